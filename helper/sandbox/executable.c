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
	RS_SPACE_SHARE =
		16, // of the memory allowed, kept for what is not mapped
};

static uint64_t page_up(uint64_t size)
{
	return (size + RS_PLAN_PAGE - 1) & ~(uint64_t)(RS_PLAN_PAGE - 1);
}

struct rs_exec_layout {
	uint64_t guest; // offset of the guest
	uint64_t allowed; // offset of the table of allowed functions
	uint64_t data; // offset of the plan
	uint64_t demand; // offset of the table of pages copied on demand
	uint64_t written; // bytes of all that
	uint64_t filled; // offset of the bits of those pages
	uint64_t source; // size of the core's file, mapped; 0: it is not
	uint64_t altstack, guard, stack; // offsets; stack: one past it
	uint64_t control, end;
};

static uint64_t allowed_size(const struct rs_process_image *image)
{
	return image->allowed ? (image->allowed_mask + 1) * sizeof(uint64_t)
			      : 0;
}

static struct rs_exec_layout lay_out(const struct rs_process_image *image)
{
	const uint64_t loader = (uint64_t)(rs_loader_code_end - rs_loader_code);
	struct rs_exec_layout l;

	l.guest = (RS_PLAN_PAGE + loader + RS_CODE_ALIGN - 1) &
		  ~(uint64_t)(RS_CODE_ALIGN - 1);
	l.allowed = (l.guest + rs_guest_size() + 7) & ~UINT64_C(7);
	l.data = page_up(l.allowed + allowed_size(image));
	l.demand = l.data + sizeof(struct rs_plan) + image->map.used;
	l.written = l.demand + rs_plan_demand_size(image) - l.data;
	l.filled = page_up(l.data + l.written);
	l.source = rs_plan_demand_size(image)
			   ? page_up(image->target->mapping[0].size)
			   : 0;
	l.altstack = page_up(l.filled + rs_plan_demand_bits(image));
	l.guard = l.altstack + RS_PLAN_ALTSTACK;
	l.stack = l.guard + RS_PLAN_PAGE + RS_PLAN_STACK;
	l.control = l.stack;
	l.end = l.control + RS_PLAN_PAGE;
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

// The plan's own address space, and the memory that the code may have. A part
// of that is kept back for what it makes its own without mapping anything, so
// that it meets ENOMEM, which it may handle, before it is ended.
static uint64_t address_limit(const struct rs_process_image *image,
			      const struct rs_exec_layout *l,
			      uint64_t shared_size)
{
	const uint64_t memory = image->options.memory;

	return image->space + l->end + shared_size + l->source + memory -
	       memory / RS_SPACE_SHARE;
}

static void write_plan(const struct rs_process_image *image,
		       const struct rs_exec_layout *l, uint64_t guest_base,
		       const struct rs_plan_shared *share, struct rs_plan *plan)
{
	const uint64_t shared_size = page_up(share->size);
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
		.control = guest_base + l->control,
		.control_fd = share->control_fd,
		.shared = shared,
		.shared_size = shared_size,
		.guest = guest_base + l->guest,
		.allowed = image->allowed ? guest_base + l->allowed : 0,
		.allowed_mask = image->allowed_mask,
		.fs_base = image->fs_base,
		.address_limit = address_limit(image, l, shared_size),
		.cpu_ns = share->cpu_ns,
		.maps = rs_vec_count(&image->map, struct rs_plan_map),
		.mm = image->mm,
		.shared_fd = share->fd,
	};
	plan->filters = rs_filter_write(
		plan->filter, l->source ? guest_base : 0,
		l->source ? guest_base + l->data : 0, image->options.run);
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
			return rs_error_new(RS_EIO,
					    "cannot write the program that "
					    "runs code of the core to memory "
					    "(memfd): %s",
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

static void write_image(const struct rs_process_image *image,
			const struct rs_exec_layout *l, struct rs_plan *plan,
			uint8_t *out)
{
	write_headers(l, plan->guest_base, out);
	memcpy(out + RS_PLAN_PAGE, rs_loader_code,
	       (size_t)(rs_loader_code_end - rs_loader_code));
	memcpy(out + l->guest, rs_guest_code, rs_guest_size());
	if (image->allowed)
		memcpy(out + l->allowed, image->allowed, allowed_size(image));
	memcpy(out + l->data, plan, sizeof(*plan));
	memcpy(out + l->data + sizeof(*plan), image->map.data, image->map.used);
	if (l->source)
		rs_plan_demand_write(image, plan->source,
				     plan->guest_base + l->filled,
				     (struct rs_demand *)(out + l->demand));
}

struct rs_error *rs_plan_executable(const struct rs_process_image *image,
				    const struct rs_plan_shared *share,
				    struct rs_plan *head, int *ret)
{
	const struct rs_exec_layout l = lay_out(image);
	const size_t size = l.data + l.written;
	uint64_t guest_base = 0;
	struct rs_error *err = rs_plan_guest_base(
		image, l.end + page_up(share->size) + l.source, &guest_base);
	if (err)
		return err;

	RS_AUTO_CLOSE int fd = executable_file();
	if (fd < 0)
		return rs_error_new(errno == EACCES ? RS_EUNSUPPORTED : RS_EIO,
				    "cannot create the program that runs code "
				    "of the core in memory (memfd_create): "
				    "%s%s",
				    strerror(errno),
				    errno == EACCES
					    ? "; the sysctl vm.memfd_noexec "
					      "forbids it"
					    : "");
	RS_AUTO_FREE uint8_t *out = calloc(1, size);
	if (!out)
		return &rs_enomem;
	write_plan(image, &l, guest_base, share, head);
	write_image(image, &l, head, out);
	if ((err = write_all(fd, out, size)))
		return err;
	*ret = rs_take_fd(&fd);
	return NULL;
}
