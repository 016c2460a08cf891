// SPDX-License-Identifier: MIT
// An ELF executable made for one image: see plan.h for where things lie.
#include "sandbox/filter.h"
#include "sandbox/plan_build.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U // Linux 6.3
#endif

enum {
	RS_CODE_ALIGN = 64,
	RS_SPACE_SLACK = 256 << 20, // that the code of the core may map
	RS_LIFE_SLACK_MS = 2000,
};

static uint64_t page_up(uint64_t size)
{
	return (size + RS_PLAN_PAGE - 1) & ~(uint64_t)(RS_PLAN_PAGE - 1);
}

struct rs_exec_layout {
	uint64_t probe; // offset of the probe
	uint64_t data; // offset of the plan
	uint64_t demand; // offset of the table of lazy memory
	uint64_t written; // bytes of all that
	uint64_t filled; // offset of the bits of lazy memory
	uint64_t source; // size of the core's file, mapped; 0: it is not
	uint64_t altstack, guard, stack, end; // offsets; stack: one past it
};

static struct rs_exec_layout lay_out(const struct rs_process_image *image)
{
	const uint64_t loader = (uint64_t)(rs_loader_code_end - rs_loader_code);
	struct rs_exec_layout l;

	l.probe = (RS_PLAN_PAGE + loader + RS_CODE_ALIGN - 1) &
		  ~(uint64_t)(RS_CODE_ALIGN - 1);
	l.data = page_up(l.probe + rs_guest_size());
	l.demand = l.data + sizeof(struct rs_plan) + image->map.used;
	l.written = l.demand + rs_plan_demand_size(image) - l.data;
	l.filled = page_up(l.data + l.written);
	l.source = rs_plan_demand_size(image)
			   ? page_up(image->target->mapping[0].size)
			   : 0;
	l.altstack = page_up(l.filled + rs_plan_demand_bits(image));
	l.guard = l.altstack + RS_PLAN_ALTSTACK;
	l.stack = l.guard + RS_PLAN_PAGE + RS_PLAN_STACK;
	l.end = l.stack;
	return l;
}

static void
write_headers(const struct rs_exec_layout *l, uint64_t guest_base, uint8_t *out)
{
	const Elf64_Ehdr ehdr = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			    ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = guest_base + RS_PLAN_PAGE,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	const Elf64_Phdr phdr[3] = {
		{
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_vaddr = guest_base,
			.p_filesz = l->data,
			.p_memsz = l->data,
			.p_align = RS_PLAN_PAGE,
		},
		{
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W,
			.p_offset = l->data,
			.p_vaddr = guest_base + l->data,
			.p_filesz = l->written,
			.p_memsz = l->end - l->data,
			.p_align = RS_PLAN_PAGE,
		},
		{.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
	};
	const uint64_t plan = guest_base + l->data;

	memcpy(out, &ehdr, sizeof(ehdr));
	memcpy(out + sizeof(ehdr), phdr, sizeof(phdr));
	memcpy(out + RS_PLAN_PAGE - sizeof(plan), &plan, sizeof(plan));
}

static void write_plan(const struct rs_process_image *image,
		       const struct rs_exec_layout *l, uint64_t guest_base,
		       uint64_t shared_size, int shared_fd,
		       struct rs_plan *plan)
{
	const uint64_t shared = guest_base + l->end;

	*plan = (struct rs_plan){
		.guest_base = guest_base,
		.guest_end = shared + shared_size,
		.stack = guest_base + l->stack,
		.guard = guest_base + l->guard,
		.source = shared + shared_size,
		.source_size = l->source,
		.source_fd = image->core_fd,
		.demand = l->source ? guest_base + l->demand : 0,
		.shared = shared,
		.shared_size = shared_size,
		.probe = guest_base + l->probe,
		.fs_base = image->fs_base,
		.address_limit = image->bytes + l->end + shared_size +
				 l->source + RS_SPACE_SLACK,
		.life_ms = image->options.total_ms + RS_LIFE_SLACK_MS,
		.maps = rs_vec_count(&image->map, struct rs_plan_map),
		.mm = image->mm,
		.shared_fd = shared_fd,
	};
	plan->filters =
		rs_filter_write(plan->filter, l->source ? guest_base : 0,
				l->source ? guest_base + l->data : 0);
	memcpy(plan->auxv, image->auxv, sizeof(plan->auxv));
	plan->mm.auxv = guest_base + l->data + offsetof(struct rs_plan, auxv);
}

static struct rs_error *write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		const ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return rs_error_new(RS_EIO, "memfd: %s",
					    strerror(errno));
		data += n;
		size -= (size_t)n;
	}
	return NULL;
}

static int executable_file(void)
{
	const int fd = memfd_create("refscope-image", MFD_CLOEXEC | MFD_EXEC);

	if (fd >= 0 || errno != EINVAL)
		return fd;
	return memfd_create("refscope-image", MFD_CLOEXEC);
}

struct rs_error *rs_plan_executable(const struct rs_process_image *image,
				    int shared_fd, uint64_t shared_size,
				    struct rs_plan *head, int *ret)
{
	const struct rs_exec_layout l = lay_out(image);
	const size_t size = l.data + l.written;
	uint64_t guest_base = 0;
	struct rs_error *err = rs_plan_guest_base(
		image, l.end + page_up(shared_size) + l.source, &guest_base);
	if (err)
		return err;

	RS_AUTO_CLOSE int fd = executable_file();
	if (fd < 0)
		return rs_error_new(
			errno == EACCES ? RS_EUNSUPPORTED : RS_EIO,
			"memfd_create: %s%s", strerror(errno),
			errno == EACCES ? " (vm.memfd_noexec is set)" : "");
	RS_AUTO_FREE uint8_t *out = calloc(1, size);
	if (!out)
		return &rs_enomem;
	write_headers(&l, guest_base, out);
	memcpy(out + RS_PLAN_PAGE, rs_loader_code,
	       (size_t)(rs_loader_code_end - rs_loader_code));
	memcpy(out + l.probe, rs_guest_code, rs_guest_size());
	write_plan(image, &l, guest_base, page_up(shared_size), shared_fd,
		   head);
	memcpy(out + l.data, head, sizeof(*head));
	memcpy(out + l.data + sizeof(*head), image->map.data, image->map.used);
	if (l.source)
		rs_plan_demand_write(image, head->source, guest_base + l.filled,
				     (struct rs_demand *)(out + l.demand));
	if ((err = write_all(fd, out, size)))
		return err;
	*ret = rs_take_fd(&fd);
	return NULL;
}
