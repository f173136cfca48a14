/*
 * embed - the text of a file as a string of the program.
 */
#ifndef LIB_EMBED_H
#define LIB_EMBED_H

/* EMBED_TEXT(notes, "docs/notes.txt"); defines `const char notes[]`, the file's text and
 * a NUL. The path is that of the tree; the Makefile makes the object depend on it. */
#define EMBED_TEXT(name, path)                                                         \
	__asm__(".pushsection .rodata\n" #name ":\n"                                   \
		"\t.incbin \"" path "\"\n"                                             \
		"\t.byte 0\n"                                                          \
		".popsection\n");                                                      \
	extern const char name[]

#endif
