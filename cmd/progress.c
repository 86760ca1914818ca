/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.c - bar, lines and JSON Lines on standard error.
 *
 * Everything is written with one fwrite() per line, so that lines of the
 * ticker and of the command do not mix.  The bar is redrawn in place; whoever
 * prints something else clears it first.
 */
#include "cmd/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/signals.h"
#include "cmd/text.h"
#include "lib/base/mem.h"

enum {
	BAR_MS = 200,	   /* often enough to look alive */
	LINE_MS = 10000,   /* a log file is read afterwards */
	JSON_MS = 1000,	   /* a status page wants a number a second */
	IDLE_MS = 3600000, /* only waiting for SIGUSR1 */
	BAR_WIDTH = 30
};

struct darn_meter {
	struct darn_ctx *ctx;
	struct darn_ticker *ticker;   /* or NULL */
	enum darn_progress_mode mode; /* never AUTO */
	const char *phase;
	double started;
	atomic_bool drawn; /* the bar is on the screen */
};

/* What is shown, taken once so that all numbers belong together. */
struct sample {
	const char *phase;
	uint64_t files, files_seen, bytes, bytes_seen, findings;
	double seconds, rate; /* bytes per second */
	double eta;	      /* seconds left; negative: not known */
};

static double clock_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sample take_sample(const struct darn_meter *m)
{
	struct darn_progress *p = &m->ctx->progress;
	struct sample s = {
		.phase = atomic_load(&p->phase),
		.files = atomic_load(&p->files_done),
		.files_seen = atomic_load(&p->files_seen),
		.bytes = atomic_load(&p->bytes_done),
		.bytes_seen = atomic_load(&p->bytes_seen),
		.findings = atomic_load(&p->findings),
		.seconds = clock_now() - m->started,
		.eta = -1,
	};

	if (!s.phase)
		s.phase = m->phase;
	if (s.seconds > 0)
		s.rate = (double)s.bytes / s.seconds;
	/* files may grow: done can be more than was seen */
	if (s.bytes >= s.bytes_seen)
		s.eta = s.bytes ? 0 : -1;
	else if (s.rate > 0)
		s.eta = (double)(s.bytes_seen - s.bytes) / s.rate;
	return s;
}

static double fraction(const struct sample *s)
{
	if (!s->bytes_seen)
		return 0;
	return DARN_MIN((double)s->bytes / (double)s->bytes_seen, 1.0);
}

static void format_eta(const struct sample *s, char *buf, size_t size)
{
	unsigned long t;

	if (s->eta < 0 || s->eta > 1e8) {
		snprintf(buf, size, "--:--");
		return;
	}
	t = (unsigned long)(s->eta + 0.5);
	if (t >= 3600)
		snprintf(buf, size, "%lu:%02lu:%02lu", t / 3600, t / 60 % 60,
			 t % 60);
	else
		snprintf(buf, size, "%02lu:%02lu", t / 60, t % 60);
}

static void format_line(const struct sample *s, char *buf, size_t size)
{
	char done[DARN_SIZE_TEXT], all[DARN_SIZE_TEXT], rate[DARN_SIZE_TEXT];
	char eta[32];

	format_eta(s, eta, sizeof(eta));
	snprintf(buf, size,
		 "%s %3.0f%% %s of %s, %s/s, ETA %s, files %" PRIu64
		 ", findings %" PRIu64,
		 s->phase, 100 * fraction(s), darn_text_size(done, s->bytes),
		 darn_text_size(all, s->bytes_seen),
		 darn_text_size(rate, (uint64_t)s->rate), eta, s->files,
		 s->findings);
}

static size_t terminal_width(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 10)
		return w.ws_col;
	return 80;
}

/* The bar gets what the words leave of the line. */
static void draw_bar(struct darn_meter *m, const struct sample *s)
{
	char done[DARN_SIZE_TEXT], rate[DARN_SIZE_TEXT], eta[32];
	char line[256], bar[BAR_WIDTH + 1], out[400];
	size_t room = terminal_width() - 1, width, filled;

	format_eta(s, eta, sizeof(eta));
	snprintf(line, sizeof(line),
		 "%3.0f%% %s, %s/s, ETA %s, findings %" PRIu64,
		 100 * fraction(s), darn_text_size(done, s->bytes),
		 darn_text_size(rate, (uint64_t)s->rate), eta, s->findings);
	width = strlen(s->phase) + strlen(line) + 4;
	width = width < room ? DARN_MIN(room - width, (size_t)BAR_WIDTH) : 0;
	filled = (size_t)(fraction(s) * (double)width);
	memset(bar, '.', width);
	memset(bar, '#', filled);
	bar[width] = '\0';
	snprintf(out, sizeof(out), "%s [%s] %s", s->phase, bar, line);
	atomic_store(&m->drawn, true);
	fprintf(stderr, "\r%.*s\033[K", (int)room, out);
	(void)fflush(stderr);
}

static void print_line(const struct sample *s)
{
	char line[256], out[300];

	format_line(s, line, sizeof(line));
	snprintf(out, sizeof(out), "darn: %s\n", line);
	fputs(out, stderr);
}

static void print_json(const struct sample *s)
{
	struct darn_json j;

	flockfile(stderr);
	darn_json_init(&j, stderr);
	darn_json_begin(&j, "progress");
	darn_json_str(&j, "phase", s->phase);
	darn_json_u64(&j, "files", s->files);
	darn_json_u64(&j, "files_seen", s->files_seen);
	darn_json_u64(&j, "bytes", s->bytes);
	darn_json_u64(&j, "bytes_seen", s->bytes_seen);
	darn_json_u64(&j, "findings", s->findings);
	darn_json_real(&j, "seconds", s->seconds, 1);
	darn_json_real(&j, "rate", s->rate, 0);
	if (s->eta >= 0)
		darn_json_real(&j, "eta", s->eta, 0);
	darn_json_end(&j);
	funlockfile(stderr);
}

static void show(struct darn_meter *m, bool poked)
{
	struct sample s = take_sample(m);

	switch (m->mode) {
	case DARN_PROGRESS_BAR:
		draw_bar(m, &s);
		if (poked) {
			fputc('\n', stderr);
			atomic_store(&m->drawn, false);
		}
		break;
	case DARN_PROGRESS_JSON:
		print_json(&s);
		break;
	case DARN_PROGRESS_NONE:
		if (poked)
			print_line(&s);
		break;
	default:
		print_line(&s);
	}
}

static void tick(void *arg, bool poked)
{
	show(arg, poked);
}

static enum darn_progress_mode choose_mode(const struct darn_ctx *ctx)
{
	const char *term = getenv("TERM");

	if (ctx->progress_mode != DARN_PROGRESS_AUTO)
		return (enum darn_progress_mode)ctx->progress_mode;
	if (ctx->quiet)
		return DARN_PROGRESS_NONE;
	if (isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0)
		return DARN_PROGRESS_BAR;
	return ctx->verbose ? DARN_PROGRESS_LINE : DARN_PROGRESS_NONE;
}

static int interval(enum darn_progress_mode mode)
{
	switch (mode) {
	case DARN_PROGRESS_BAR:
		return BAR_MS;
	case DARN_PROGRESS_JSON:
		return JSON_MS;
	case DARN_PROGRESS_NONE:
		return IDLE_MS;
	default:
		return LINE_MS;
	}
}

enum darn_rc darn_progress_begin(struct darn_ctx *ctx, const char *phase,
				 struct darn_error *err)
{
	struct darn_meter *m = darn_calloc(1, sizeof(*m), err);
	enum darn_rc rc = DARN_OK;

	if (!m)
		return DARN_ENOMEM;
	m->ctx = ctx;
	m->phase = phase;
	m->mode = choose_mode(ctx);
	m->started = clock_now();
	atomic_store(&ctx->progress.phase, phase);
	/* -j 0 means no threads, unless somebody wants to see something */
	if (m->mode != DARN_PROGRESS_NONE || ctx->jobs != 0)
		rc = darn_ticker_create(interval(m->mode), tick, m, &m->ticker,
					err);
	if (rc) {
		free(m);
		return rc;
	}
	darn_signals_install(&ctx->progress, m->ticker);
	ctx->meter = m;
	return DARN_OK;
}

void darn_progress_clear(struct darn_ctx *ctx)
{
	if (ctx->meter && atomic_exchange(&ctx->meter->drawn, false))
		fputs("\r\033[K", stderr);
}

void darn_progress_end(struct darn_ctx *ctx)
{
	struct darn_meter *m = ctx->meter;

	if (!m)
		return;
	darn_signals_remove();
	darn_ticker_destroy(m->ticker);
	if (m->mode == DARN_PROGRESS_JSON || m->mode == DARN_PROGRESS_LINE)
		show(m, false);
	darn_progress_clear(ctx);
	ctx->meter = NULL;
	free(m);
}
