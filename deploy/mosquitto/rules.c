#include "rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_LEVELS = 128, MAXIMUM_TOPIC = 65535, MAXIMUM_LINES = 4 * 1000 * 1000, THUMB = 64 };

struct signet_slot { const char *key; size_t length; const struct signet_principal *who; };

static uint64_t hash(const char *text, size_t length)
{
	uint64_t h = 1469598103934665603ull; /* FNV-1a */
	for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)text[i]) * 1099511628211ull;
	return h;
}

static void put(struct signet_slot *slots, size_t count, const char *key, size_t length, const struct signet_principal *who)
{
	for (size_t i = hash(key, length) & (count - 1);; i = (i + 1) & (count - 1))
		if (!slots[i].key) { slots[i].key = key; slots[i].length = length; slots[i].who = who; return; }
}

static const struct signet_principal *get(const struct signet_slot *slots, size_t count, const char *key, size_t length)
{
	if (!slots) return NULL;
	for (size_t i = hash(key, length) & (count - 1); slots[i].key; i = (i + 1) & (count - 1))
		if (slots[i].length == length && memcmp(slots[i].key, key, length) == 0) return slots[i].who;
	return NULL;
}

/* The next field, ended by a tab or the line's end; null when the line is at its end. */
static char *field(char **line)
{
	char *start = *line, *end;
	if (!start) return NULL;
	end = strchr(start, '\t');
	if (end) { *end = 0; *line = end + 1; } else *line = NULL;
	return start;
}

static bool number(const char *text, long long most, long long *value)
{
	*value = 0;
	if (!text || !*text) return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9') return false;
		*value = *value * 10 + (*text - '0');
		if (*value > most) return false;
	}
	return true;
}

static bool parse_pattern(struct signet_rule *rule, char *text)
{
	unsigned count = 1;
	if (!*text || strlen(text) > MAXIMUM_TOPIC) return false;
	if (strcmp(text, "#") == 0) text = "+/#"; else if (strcmp(text, "/#") == 0) text = "/+/#"; /* a topic is never empty */
	for (const char *c = text; *c; c++) count += *c == '/';
	if (count > MAXIMUM_LEVELS || !(rule->levels = calloc(count, sizeof *rule->levels))) return false;
	for (char *start = text;; ) {
		size_t length = strcspn(start, "/");
		struct signet_level *level = &rule->levels[rule->count];
		if (length == 1 && *start == '#') { if (start[1]) return false; rule->open = true; return rule->count > 0; }
		level->text = start; level->length = length; level->kind = '=';
		if (length == 1 && *start == '+') level->kind = '+';
		else if (length == 6 && memcmp(start, "{name}", 6) == 0) level->kind = 'n';
		else if (length == 8 && memcmp(start, "{device}", 8) == 0) level->kind = 'd';
		else if (length == 6 && memcmp(start, "{user}", 6) == 0) level->kind = 'u';
		else for (size_t i = 0; i < length; i++) if (strchr("+#{}", start[i])) return false;
		rule->count++;
		if (!start[length]) return true;
		start += length + 1;
	}
}

static bool parse_rule(struct signet_rule *rule, char *line)
{
	char *effect = field(&line), *actions = field(&line), *pattern = field(&line);
	long long mask;
	if (!pattern || line || strlen(effect) != 1 || !strchr("ad", *effect) || !number(actions, 62, &mask) || !mask || mask & 1) return false;
	rule->allow = *effect == 'a';
	rule->actions = (unsigned)mask;
	return parse_pattern(rule, pattern);
}

static bool parse_principal(struct signet_principal *who, char *line, unsigned rule_count)
{
	char *kind = field(&line), *name = field(&line), *user = field(&line), *thumbs = field(&line), *rules = field(&line);
	unsigned count = 1;
	if (!rules || line || strlen(kind) != 1 || !strchr("dps", *kind) || !*name || !*user || strlen(thumbs) % THUMB || strspn(thumbs, "0123456789abcdef") != strlen(thumbs)) return false;
	who->kind = *kind; who->name = name; who->length = strlen(name); who->user = user; who->thumbs = thumbs;
	if (!*rules) return true;
	for (const char *c = rules; *c; c++) count += *c == ',';
	if (!(who->rules = calloc(count, sizeof *who->rules))) return false;
	for (char *start = rules; start; ) {
		char *comma = strchr(start, ',');
		long long index;
		if (comma) *comma = 0;
		if (!number(start, rule_count ? rule_count - 1 : 0, &index) || !rule_count) return false;
		who->rules[who->count++] = (unsigned)index;
		start = comma ? comma + 1 : NULL;
	}
	return true;
}

static bool parse(struct signet_rules *all, size_t length)
{
	unsigned lines = 0, rules = 0, principals = 0, kicks = 0;
	size_t thumbs = 0;
	bool ended = false;
	if (memchr(all->text, 0, length) || length == 0 || all->text[length - 1] != '\n') return false;
	for (const char *c = all->text; *c; c = strchr(c, '\n') + 1) {
		if (++lines > MAXIMUM_LINES) return false;
		rules += c[0] == 'r'; principals += c[0] == 'p'; kicks += c[0] == 'k';
	}
	all->rules = calloc(rules + 1, sizeof *all->rules);
	all->principals = calloc(principals + 1, sizeof *all->principals);
	all->kicks = calloc(kicks + 1, sizeof *all->kicks);
	if (!all->rules || !all->principals || !all->kicks) return false;
	lines = 0;
	for (char *line = all->text, *next; *line; line = next) {
		char *rest = line, *word, *end = strchr(line, '\n');
		long long value;
		*end = 0; next = end + 1;
		if (ended) return false;
		word = field(&rest);
		if (lines++ == 0) {
			char *nonce, *version;
			if (strcmp(word, "signet-rules-1") != 0) return false;
			nonce = field(&rest); version = field(&rest);
			if (!version || rest || !*nonce || strlen(nonce) >= sizeof all->nonce || !number(version, 1LL << 60, &all->policy)) return false;
			strcpy(all->nonce, nonce);
		}
		else if (!rest) return false;
		else if (strcmp(word, "r") == 0) { if (!parse_rule(&all->rules[all->rule_count++], rest)) return false; }
		else if (strcmp(word, "p") == 0) { if (!parse_principal(&all->principals[all->principal_count++], rest, all->rule_count)) return false; }
		else if (strcmp(word, "k") == 0) { all->kicks[all->kick_count++] = rest; }
		else if (strcmp(word, "end") == 0) { if (!number(rest, MAXIMUM_LINES, &value) || value != lines) return false; ended = true; }
		else return false;
	}
	if (!ended) return false;
	for (unsigned i = 0; i < all->principal_count; i++) thumbs += strlen(all->principals[i].thumbs) / THUMB + 1;
	for (all->slots = 16; all->slots < thumbs * 2; all->slots *= 2) ;
	all->by_thumb = calloc(all->slots, sizeof *all->by_thumb);
	all->by_user = calloc(all->slots, sizeof *all->by_user);
	if (!all->by_thumb || !all->by_user) return false;
	for (unsigned i = 0; i < all->principal_count; i++) {
		const struct signet_principal *who = &all->principals[i];
		if (get(all->by_user, all->slots, who->user, strlen(who->user))) return false; /* twice: nobody could say which */
		put(all->by_user, all->slots, who->user, strlen(who->user), who);
		for (const char *thumb = who->thumbs; *thumb; thumb += THUMB) {
			if (get(all->by_thumb, all->slots, thumb, THUMB)) return false;
			put(all->by_thumb, all->slots, thumb, THUMB, who);
		}
	}
	return true;
}

struct signet_rules *signet_rules_parse(const char *text, size_t length)
{
	struct signet_rules *all = calloc(1, sizeof *all);
	if (!all) return NULL;
	all->text = malloc(length + 1);
	if (all->text) {
		memcpy(all->text, text, length);
		all->text[length] = 0;
		if (parse(all, length)) return all;
	}
	signet_rules_free(all);
	return NULL;
}

void signet_rules_free(struct signet_rules *all)
{
	if (!all) return;
	for (unsigned i = 0; all->rules && i < all->rule_count; i++) free(all->rules[i].levels);
	for (unsigned i = 0; all->principals && i < all->principal_count; i++) free(all->principals[i].rules);
	free(all->rules); free(all->principals); free((void *)all->kicks); free(all->by_thumb); free(all->by_user); free(all->text); free(all);
}

const struct signet_principal *signet_rules_by_thumb(const struct signet_rules *all, const char *thumb) { return strlen(thumb) == THUMB ? get(all->by_thumb, all->slots, thumb, THUMB) : NULL; }

const struct signet_principal *signet_rules_by_user(const struct signet_rules *all, const char *user) { return get(all->by_user, all->slots, user, strlen(user)); }

bool signet_owns_client(const struct signet_rules *all, const struct signet_principal *who, const char *client)
{
	size_t length = strlen(client);
	if (length < who->length || memcmp(client, who->name, who->length) != 0) return false;
	if (length == who->length) return true;
	if (client[who->length] != '-') return false;
	/* Longest name first: "door-1" belongs to door-1, never to door. */
	for (size_t cut = length; cut > who->length; cut--) {
		const struct signet_principal *other;
		char person[256] = "person:";
		if (cut != length && client[cut] != '-') continue;
		other = get(all->by_user, all->slots, client, cut);
		if (other && other != who) return false;
		if (cut + 7 >= sizeof person) continue;
		memcpy(person + 7, client, cut);
		other = get(all->by_user, all->slots, person, cut + 7);
		if (other && other != who) return false;
	}
	return true;
}

struct reader { const char *rest; size_t left; bool more; const char *text; size_t length; };

static bool next(struct reader *r)
{
	const char *slash;
	if (!r->more) return false;
	slash = memchr(r->rest, '/', r->left);
	r->text = r->rest;
	r->length = slash ? (size_t)(slash - r->rest) : r->left;
	r->more = slash != NULL;
	if (slash) { r->left -= r->length + 1; r->rest = slash + 1; }
	return true;
}

static bool is(const struct reader *r, char c) { return r->length == 1 && *r->text == c; }

static bool can_be(const struct signet_level *level, const struct signet_principal *who)
{
	if (level->kind == '=' || level->kind == '+') return true;
	if ((level->kind == 'd' && who->kind != 'd') || (level->kind == 'u' && who->kind != 'p')) return false;
	return who->length > 0 && who->name[0] != '$' && strcspn(who->name, "+#/") == who->length;
}

static bool equal(const struct signet_level *level, const struct reader *r, const struct signet_principal *who)
{
	if (level->kind == '=') return r->length == level->length && memcmp(r->text, level->text, r->length) == 0;
	return can_be(level, who) && r->length == who->length && memcmp(r->text, who->name, r->length) == 0;
}

static struct reader spelled(const char *filter)
{
	if (strcmp(filter, "#") == 0) filter = "+/#"; else if (strcmp(filter, "/#") == 0) filter = "/+/#";
	return (struct reader){ .rest = filter, .left = strlen(filter), .more = true };
}

static bool matches(const struct signet_rule *rule, const char *topic, const struct signet_principal *who)
{
	struct reader r = { .rest = topic, .left = strlen(topic), .more = true };
	if (*topic == '$' && rule->levels[0].kind == '+') return false;
	for (unsigned i = 0; i < rule->count; i++)
		if (!next(&r) || !(rule->levels[i].kind == '+' || equal(&rule->levels[i], &r, who))) return false;
	return rule->open || !r.more;
}

static bool covers(const struct signet_rule *rule, const char *filter, const struct signet_principal *who)
{
	struct reader r = spelled(filter);
	if (*filter == '$' && rule->levels[0].kind == '+') return false;
	for (unsigned i = 0; i < rule->count; i++) {
		if (!next(&r) || is(&r, '#')) return false;
		if (rule->levels[i].kind == '+') continue;
		if (is(&r, '+') || !equal(&rule->levels[i], &r, who)) return false;
	}
	return rule->open || !r.more;
}

static bool overlaps(const struct signet_rule *rule, const char *filter, const struct signet_principal *who)
{
	struct reader r = spelled(filter);
	for (unsigned i = 0; i < rule->count; i++) if (!can_be(&rule->levels[i], who)) return false;
	if (*filter == '$' && rule->levels[0].kind == '+') return false;
	if ((*filter == '+' || *filter == '#') && rule->levels[0].kind == '=' && rule->levels[0].length && rule->levels[0].text[0] == '$') return false;
	for (unsigned i = 0; i < rule->count; i++) {
		if (!next(&r)) return false;
		if (is(&r, '#')) return true;
		if (rule->levels[i].kind == '+' || is(&r, '+') || equal(&rule->levels[i], &r, who)) continue;
		return false;
	}
	if (rule->open || !r.more) return true;
	next(&r);
	return is(&r, '#');
}

static bool well_formed(enum signet_action action, const char *text)
{
	unsigned levels = 1;
	size_t length = strlen(text);
	struct reader r = { .rest = text, .left = length, .more = true };
	if (length == 0 || length > MAXIMUM_TOPIC) return false;
	for (const char *c = text; *c; c++) levels += *c == '/';
	if (levels > MAXIMUM_LEVELS) return false;
	if (action != SIGNET_SUBSCRIBE) return strcspn(text, "+#") == length;
	while (next(&r)) {
		if (!memchr(r.text, '+', r.length) && !memchr(r.text, '#', r.length)) continue;
		if (r.length != 1 || (*r.text == '#' && r.more)) return false;
	}
	return true;
}

bool signet_decide(const struct signet_rules *all, const struct signet_principal *who, enum signet_action action, const char *text)
{
	if (!well_formed(action, text)) return false;
	for (unsigned i = 0; i < who->count; i++) {
		const struct signet_rule *rule = &all->rules[who->rules[i]];
		if (!(rule->actions & 1u << action)) continue;
		if (action != SIGNET_SUBSCRIBE ? matches(rule, text, who) : rule->allow ? covers(rule, text, who) : overlaps(rule, text, who)) return rule->allow;
	}
	return false;
}
