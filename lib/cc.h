/*
 * cc - compiler attributes under plain names.
 */
#ifndef LIB_CC_H
#define LIB_CC_H

#define MUST_CHECK          __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))
#define NORETURN            __attribute__((noreturn))
#define UNUSED              __attribute__((unused))

/* SCOPED(buf_done) struct buf line = {0}: buf_done(&line) runs when the scope ends. */
#define SCOPED(done) __attribute__((cleanup(done)))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
