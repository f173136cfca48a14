# Values of R's own functions for the unit tests of harness/stats. Debian's r-base-core:
#
#   Rscript harness/stats/test/golden.R >harness/stats/test/golden.json
#
# Where R has no function (ties, shared x), the definition is written down here once more,
# in R's terms, and distributions come from R or from listing all permutations.

set.seed(8)

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
numbers <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
object <- function(...) {
	members <- list(...)
	paste0("{", paste0('"', names(members), '": ', unlist(members), collapse = ",\n    "), "}")
}
array <- function(rows) paste0("[\n   ", paste(unlist(rows), collapse = ",\n   "), "]")

# --- noises, of times in ms ---

noises <- list(
	function(n) round(rnorm(n, 100, 5), 4),
	function(n) round(100 + rexp(n, 1 / 8), 4),
	function(n) round(rlnorm(n, 4, 1), 4))
noise <- function(n) noises[[1 + n %% 3]](n)

# --- sample ---

# Order statistics: the greatest k with P(fewer than k of n below the median) <= 2.5 %.
median_interval <- function(x, confidence) {
	n <- length(x)
	k <- qbinom((1 - confidence) / 2, n, 0.5)
	if (n == 0 || k == 0) c(NA, NA) else sort(x)[c(k, n + 1 - k)]
}

shares <- c(0, 0.05, 0.25, 0.5, 0.9, 0.95, 1)
sample_row <- function(x) {
	quartiles <- quantile(x, c(0.25, 0.75), type = 7, names = FALSE)
	object(values = numbers(x), shares = numbers(shares),
		quantiles = numbers(quantile(x, shares, type = 7, names = FALSE)),
		median = number(median(x)), spread = number(mad(x)),
		interval_95 = numbers(median_interval(x, 0.95)),
		interval_99 = numbers(median_interval(x, 0.99)),
		fences = numbers(quartiles + c(-3, 3) * diff(quartiles)))
}
samples <- c(lapply(c(1, 2, 3, 5, 6, 7, 8, 9, 20, 57), noise),
	list(c(5, 5, 5, 5, 5, 5, 5), c(1, 2, 2, 2, 3, 3, 9, 900), round(rnorm(1500, 0, 9), 2)))

# --- shifts ---

quiet <- function(test) suppressWarnings(test)

# wilcox.test() makes up an interval where there are too few values; we give none.
interval <- function(test, confidence, possible) {
	if (1 - confidence < 2 * possible) c(NA, NA)
	else as.numeric(test(conf.int = TRUE, conf.level = confidence)$conf.int)
}

shift_row <- function(base, new, paired, exact, possible) {
	test <- function(...) quiet(wilcox.test(new, base, paired = paired, exact = exact, ...))
	between <- if (paired) outer(new - base, new - base, "+")[
		upper.tri(diag(length(base)), diag = TRUE)] / 2 else outer(new, base, "-")
	intervals <- lapply(c(0.95, 0.999), function(confidence)
		if (exact) interval(test, confidence, possible) else NULL)
	object(base = numbers(base), new = numbers(new), estimate = number(median(between)),
		interval_95 = if (exact) numbers(intervals[[1]]) else "null",
		interval_999 = if (exact) numbers(intervals[[2]]) else "null",
		p_greater = number(test(alternative = "greater")$p.value),
		p_less = number(test(alternative = "less")$p.value))
}
paired_row <- function(n, shift, exact = TRUE) {
	base <- noise(n)
	# Five digits, so that no two differences are the same.
	new <- round(base + shift + rnorm(n, 0, 4), 5)
	shift_row(base, new, TRUE, exact, 2^-n)
}

# The smaller p of sign test and signed-rank test: of all signs that the differences could
# have. Above a half it is given as 1.
paired_test_row <- function(n, shift) {
	base <- noise(n)
	new <- round(base + shift + noise(n) - noise(n), 5)
	p <- function(difference) {
		smaller <- function(against) min(pbinom(sum(against), n, 0.5),
			psignrank(sum(rank(abs(difference))[against]), n))
		got <- smaller(difference < 0)
		all <- sapply(0:(2^n - 1), function(signs) smaller(bitwAnd(signs, 2^(seq_len(n) - 1)) > 0))
		if (got > 0.5 + 1e-9) 1 else mean(all <= got * (1 + 1e-9))
	}
	object(base = numbers(base), new = numbers(new), p_greater = number(p(new - base)),
		p_less = number(p(base - new)))
}

two_samples_row <- function(m, n, shift, exact = TRUE)
	shift_row(noise(m), round(rnorm(n, 100 + shift, 6), 5), FALSE, exact,
		1 / choose(m + n, n))

paired <- c(
	mapply(paired_row, c(1, 2, 5, 6, 7, 8, 10, 12, 16, 20, 28, 40, 60), rep_len(c(0, 1, 3), 13)),
	paired_row(200, 0.4), paired_row(201, -0.5, FALSE), paired_row(300, 0.2, FALSE))
paired_test <- mapply(paired_test_row, c(1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 12, 13, 13),
	c(0, 1, 3, 8, 20, 5, 9, 12, 12, 6, 25, 8, 60))
two_samples <- c(
	mapply(two_samples_row, c(1, 1, 2, 3, 4, 5, 8, 10, 20, 7), c(1, 4, 3, 3, 4, 6, 8, 12, 20, 31),
		c(0, 4)),
	two_samples_row(49, 49, 2), two_samples_row(100, 100, 2),
	two_samples_row(101, 20, 3, FALSE), two_samples_row(120, 130, -1, FALSE))

# Ties and zeros: a candidate of 0 counts for neither side.
tied_row <- function(base, new) {
	n <- length(base)
	walsh <- outer(new - base, new - base, "+")[upper.tri(diag(n), diag = TRUE)] / 2
	between <- outer(new, base, "-")
	p <- function(above) psignrank(above - 1, n, lower.tail = FALSE)
	u <- function(above) pwilcox(above - 1, n, n, lower.tail = FALSE)
	object(base = numbers(base), new = numbers(new),
		paired = numbers(c(median(walsh), p(sum(walsh > 0)), p(sum(walsh < 0)))),
		two_samples = numbers(c(median(between), u(sum(between > 0)), u(sum(between < 0)))))
}
tied <- list(
	tied_row(rep(7, 8), rep(7, 8)), tied_row(rep(7, 8), rep(9, 8)),
	tied_row(c(1, 2, 3, 4, 5, 6, 7), c(1, 2, 3, 5, 6, 8, 9)),
	tied_row(c(10, 10, 11, 11, 12, 12, 13, 13, 14, 14), c(11, 12, 12, 10, 14, 13, 13, 15, 14, 16)))

# --- Holm ---

families <- list(0.01, c(0.01, 0.02, 0.03), c(0.04, 0.001, 1, 0.001, 0.02), rep(0.3, 5),
	round(runif(120)^3, 7), c(0, 0, 1))
holm_row <- function(p) object(p = numbers(p), adjusted = numbers(p.adjust(p, "holm")))

# --- lines ---

permutations <- function(values) {
	if (length(values) < 2) return(list(values))
	unlist(lapply(seq_along(values), function(i)
		lapply(permutations(values[-i]), function(rest) c(values[i], rest))), recursive = FALSE)
}
slopes <- function(x, y) {
	dx <- outer(x, x, "-"); dy <- outer(y, y, "-")
	(dy / dx)[upper.tri(dx) & dx != 0]
}
line_row <- function(x, y, listed) {
	all <- sort(slopes(x, y))
	slope <- median(all)
	p <- function(alternative) quiet(cor.test(x, y, method = "kendall", alternative = alternative,
		exact = !any(duplicated(x)) && length(x) <= 49, continuity = TRUE)$p.value)
	ends <- c(NA, NA)
	p_greater <- NA; p_less <- NA
	if (listed) {
		above <- sapply(permutations(seq_along(x)), function(y) sum(slopes(x, y) > 0))
		p_greater <- mean(above >= sum(all > 0)); p_less <- mean(above <= sum(all > 0))
		k <- sum(cumsum(table(factor(above, 0:length(all))) / length(above)) <= 0.025)
		if (k > 0) ends <- all[c(k, length(all) + 1 - k)]
	} else {
		p_greater <- p("greater"); p_less <- p("less")
		# R corrects the approximation towards zero, whatever is asked. Of the other side it
		# has to be away from zero.
		if (length(x) > 49) {
			s <- sum(sign(all))
			other <- pnorm((abs(s) + 1) / (abs(s) - 1) *
				qnorm(min(p_greater, p_less), lower.tail = FALSE))
			if (s > 0) p_less <- other else p_greater <- other
		}
	}
	squares <- coef(lm(y ~ x))
	object(x = numbers(x), y = numbers(y), slope = number(slope),
		intercept = number(median(y - slope * x)), p_greater = number(p_greater),
		p_less = number(p_less), interval_95 = if (listed) numbers(ends) else "null",
		least_squares = numbers(as.numeric(squares)))
}
made <- function(x, slope) round(50 + slope * x + rnorm(length(x), 0, 6), 5)
lines <- list(
	line_row(c(1, 2), made(c(1, 2), 3), TRUE),
	line_row(c(1, 1, 1, 9, 9, 9), made(c(1, 1, 1, 9, 9, 9), 0), TRUE),
	line_row(c(3, 1, 1, 20, 3, 20, 20), made(c(3, 1, 1, 20, 3, 20, 20), 2), TRUE),
	line_row(c(5, 1, 2, 3, 4, 7, 6), made(c(5, 1, 2, 3, 4, 7, 6), 5), TRUE),
	line_row(1:30, made(1:30, 0.2), FALSE),
	line_row(rep(c(1, 3, 20, 50), 30), made(rep(c(1, 3, 20, 50), 30), 0.05), FALSE))

# --- fisher ---

tables <- list(c(0, 20, 0, 20), c(0, 20, 1, 20), c(0, 20, 5, 20), c(1, 20, 12, 20), c(3, 8, 5, 40),
	c(20, 20, 20, 20), c(0, 5, 5, 5), c(7, 300, 31, 280))
fisher_row <- function(t) object(base_failed = number(t[1]), base_count = number(t[2]),
	new_failed = number(t[3]), new_count = number(t[4]),
	p = number(fisher.test(matrix(c(t[3], t[4] - t[3], t[1], t[2] - t[1]), 2),
		alternative = "greater")$p.value))

# --- proportions ---

seen <- list(c(0, 1), c(1, 1), c(0, 20), c(0, 1000), c(1, 1000), c(7, 300), c(299, 300), c(40, 80),
	c(3, 100000))
proportion_row <- function(x) {
	upper <- function(confidence) number(binom.test(x[1], x[2], alternative = "less",
		conf.level = confidence)$conf.int[2])
	object(seen = number(x[1]), count = number(x[2]), upper_95 = upper(0.95),
		upper_999 = upper(0.999))
}

cat("{", paste0('"', c("samples", "paired", "paired_test", "two_samples", "tied", "holm", "lines", "fisher",
	"proportions"), '": ', c(
	array(lapply(samples, sample_row)), array(paired), array(paired_test), array(two_samples), array(tied),
	array(lapply(families, holm_row)), array(lines),
	array(lapply(tables, fisher_row)), array(lapply(seen, proportion_row))), collapse = ",\n"), "}\n", sep = "")
