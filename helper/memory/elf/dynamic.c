// SPDX-License-Identifier: MIT
// Dynamic symbols of a module without a file, from the target's memory.
#include "memory/elf/modules.h"

#include <stdlib.h>

enum {
	RS_MAX_DYNAMIC = 1024, // entries; libpython has 30
	RS_MAX_DYNSYM = 1 << 20, // symbols
	RS_MAX_DYNSTR = 64 << 20, // bytes
};

struct rs_dynamic {
	uint64_t sym, text, text_size, hash, gnu_hash;
};

static void note_entry(struct rs_dynamic *ret, const Elf64_Dyn *dyn,
		       const struct rs_module *module)
{
	// glibc's loader adds the bias to these addresses in memory, musl's
	// does not.
	uint64_t address = dyn->d_un.d_ptr;
	if (address < module->start)
		address += module->bias;

	switch (dyn->d_tag) {
	case DT_SYMTAB:
		ret->sym = address;
		break;
	case DT_STRTAB:
		ret->text = address;
		break;
	case DT_STRSZ:
		ret->text_size = dyn->d_un.d_val;
		break;
	case DT_HASH:
		ret->hash = address;
		break;
	case DT_GNU_HASH:
		ret->gnu_hash = address;
		break;
	default:
		break;
	}
}

static void too_many(struct rs_target *target, const struct rs_module *module,
		     const char *what, uint64_t most)
{
	rs_memory_gap(&target->memory,
		      "%s: has more than %llu %s in memory; those after them "
		      "are not read, so what is found by symbol may be missing",
		      module->path, (unsigned long long)most, what);
}

static bool read_dynamic(struct rs_target *target,
			 const struct rs_module *module, Elf *elf,
			 struct rs_dynamic *ret)
{
	size_t count;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(elf, (int)i, &phdr) ||
		    phdr.p_type != PT_DYNAMIC)
			continue;
		const uint64_t at = module->bias + phdr.p_vaddr;
		for (uint64_t k = 0;; k++) {
			Elf64_Dyn dyn;
			if (k == RS_MAX_DYNAMIC) {
				too_many(target, module, "dynamic entries", k);
				break;
			}
			if (!rs_target_peek(target, at + k * sizeof(dyn), &dyn,
					    sizeof(dyn)) ||
			    dyn.d_tag == DT_NULL)
				break;
			note_entry(ret, &dyn, module);
		}
	}
	if (ret->text_size > RS_MAX_DYNSTR) {
		too_many(target, module, "bytes of symbol names",
			 RS_MAX_DYNSTR);
		return false;
	}
	return ret->sym && ret->text && ret->text_size;
}

/**
 * The number of dynamic symbols, from the GNU hash table at @p at: 1 + the
 * greatest index, which is at the end of the chain that starts last. No entry
 * of the dynamic section has the number itself.
 */
static uint64_t count_gnu(struct rs_memory *memory, uint64_t at)
{
	uint32_t head[4]; // buckets, first symbol, bloom words, shift

	if (!rs_memory_read(memory, at, head, sizeof(head)) ||
	    head[0] > RS_MAX_DYNSYM || head[2] > RS_MAX_DYNSYM)
		return 0;
	const uint64_t bucket = at + sizeof(head) + 8 * (uint64_t)head[2];
	const uint64_t chain = bucket + 4 * (uint64_t)head[0];
	uint32_t last = 0;
	for (uint32_t i = 0; i < head[0]; i++) {
		uint32_t value;
		if (!rs_memory_u32(memory, bucket + 4 * (uint64_t)i, &value))
			return 0;
		if (value > last)
			last = value;
	}
	if (last < head[1])
		return head[1];
	for (; last < RS_MAX_DYNSYM; last++) {
		uint32_t value;
		if (!rs_memory_u32(memory,
				   chain + 4 * (uint64_t)(last - head[1]),
				   &value))
			return 0;
		if (value & 1)
			return (uint64_t)last + 1;
	}
	return 0;
}

static uint64_t
count_symbols(struct rs_memory *memory, const struct rs_dynamic *dynamic)
{
	uint32_t chains = 0;

	if (dynamic->hash &&
	    rs_memory_u32(memory, dynamic->hash + 4, &chains) &&
	    chains <= RS_MAX_DYNSYM)
		return chains;
	return dynamic->gnu_hash ? count_gnu(memory, dynamic->gnu_hash) : 0;
}

// Whether the first and the last byte can be read: no copy is made of what
// lies between.
static bool is_there(struct rs_memory *memory, uint64_t address, uint64_t size)
{
	return rs_memory_at(memory, address, 1) &&
	       rs_memory_at(memory, address + size - 1, 1);
}

struct rs_error *rs_symbols_from_target(struct rs_target *target,
					const struct rs_module *module,
					struct rs_elf_image *image)
{
	struct rs_memory *memory = &target->memory;
	struct rs_dynamic dynamic = {0};

	if (!image->elf || !read_dynamic(target, module, image->elf, &dynamic))
		return NULL;
	const uint64_t count = count_symbols(memory, &dynamic);
	if (!count && (dynamic.hash || dynamic.gnu_hash))
		rs_memory_gap(memory,
			      "%s: its table of symbols in memory is damaged, "
			      "not readable or larger than %d symbols; what is "
			      "found by symbol may be missing",
			      module->path, RS_MAX_DYNSYM);
	if (!count)
		return NULL;

	const size_t sym_size = (size_t)count * sizeof(Elf64_Sym);
	// Both sizes are what the target says: first whether it has so much.
	if (!is_there(memory, dynamic.sym, sym_size) ||
	    !is_there(memory, dynamic.text, dynamic.text_size))
		return NULL;
	RS_AUTO_FREE char *buf = malloc(sym_size + dynamic.text_size);
	if (!buf)
		return &rs_enomem;
	if (!rs_memory_read(memory, dynamic.sym, buf, sym_size) ||
	    !rs_memory_read(memory, dynamic.text, buf + sym_size,
			    dynamic.text_size))
		return NULL;
	struct rs_error *err =
		rs_symbols_index(&image->dynamic, (void *)buf, count,
				 buf + sym_size, dynamic.text_size);
	if (err)
		return err;
	image->dynamic.owned = rs_take(&buf);
	return NULL;
}
