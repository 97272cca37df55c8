/* The access policy of a Signet installation as the command center hands it to Mosquitto, and the three questions asked of it.
 * Pure: no file, no broker. The file's form is docs/spec/mosquitto-rules.md; what a rule means is docs/spec/policy.md. */
#ifndef SIGNET_RULES_H
#define SIGNET_RULES_H

#include <stdbool.h>
#include <stddef.h>

enum signet_action { SIGNET_PUBLISH = 1, SIGNET_SUBSCRIBE = 2, SIGNET_DELIVER = 3, SIGNET_RETAIN = 4, SIGNET_WILL = 5 };

struct signet_level { char kind; /* '=' literal, '+', 'n' {name}, 'd' {device}, 'u' {user} */ const char *text; size_t length; };

struct signet_rule { bool allow; unsigned actions; /* bit 1 << action */ bool open; /* ends with # */ unsigned count; struct signet_level *levels; };

struct signet_principal { char kind; /* d device, p person, s service */ const char *name; size_t length; const char *user; /* as Mosquitto calls it */ unsigned count; unsigned *rules; const char *thumbs; };

struct signet_rules {
	char *text;             /* everything below points into it */
	char nonce[40];         /* which file this is: echoed when it is in force */
	long long policy;       /* version of the access policy */
	unsigned rule_count; struct signet_rule *rules;
	unsigned principal_count; struct signet_principal *principals;
	unsigned kick_count; const char **kicks; /* user names whose sessions are to be closed once */
	struct signet_slot *by_thumb, *by_user; size_t slots; /* open addressing, a power of two */
};

/* Takes over a copy of the text. Null when it is not a whole file of this form: nothing of it counts then. */
struct signet_rules *signet_rules_parse(const char *text, size_t length);
void signet_rules_free(struct signet_rules *rules);

/* 64 lower-case hexadecimal digits: SHA-256 of the certificate. Null: not admitted. */
const struct signet_principal *signet_rules_by_thumb(const struct signet_rules *rules, const char *thumb);
const struct signet_principal *signet_rules_by_user(const struct signet_rules *rules, const char *user);

/* May this client id be used by this principal: its name, or its name, '-' and more, unless that is somebody else's name (or begins with one, so that nobody takes over a session of another). */
bool signet_owns_client(const struct signet_rules *rules, const struct signet_principal *who, const char *client);

/* The first rule that decides; none: false. A filter for SIGNET_SUBSCRIBE, a topic for everything else; a malformed one is denied. */
bool signet_decide(const struct signet_rules *rules, const struct signet_principal *who, enum signet_action action, const char *text);

#endif
