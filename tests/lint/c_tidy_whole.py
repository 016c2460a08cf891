# SPDX-License-Identifier: MIT
"""c_tidy.py once more, its analyzer as deep as it goes, which takes minutes."""
import c_tidy
import lint


def check(root, build):
    return c_tidy.tidy(root, build)


def spoil(root):
    # Two functions, each of which is right by itself.
    c_tidy.write_source(root, "helper/null.c", """int rs_null(int x);

static int steps(const int *p, int x)
{
	int found = 0;

	while (x > 3) {
		found++;
		x /= 2;
	}
	return x == 2 ? *p : found;
}

int rs_null(int x)
{
	return steps(x == 2 ? 0 : &x, x);
}
""")


if __name__ == "__main__":
    lint.run(check, spoil)
