/* Signet's plugin for Mosquitto 2: who may connect and what they may do is decided here, in the broker's own process, from the file that the command center writes
 * (rules.h). A changed file acts at the next tick (Mosquitto ticks ten times a second): sessions of whoever is no longer admitted are closed.
 *
 * plugin_opt_rules FILE   the center's file
 * plugin_opt_seen FILE    where to write which file is in force (may be absent)
 *
 * A file that is missing, broken or cut short admits nobody. Mosquitto has one thread: nothing here waits. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#include "rules.h"

enum { MAXIMUM_FILE = 256 * 1024 * 1024 };

static mosquitto_plugin_id_t *plugin;
static struct signet_rules *rules; /* null: nobody */
static char *rules_path, *seen_path;
static struct stat last;
static bool looked;
static unsigned long ended; /* sessions that ended since the start, by whomever */

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct signet_rules *read_rules(void)
{
	struct signet_rules *read = NULL;
	FILE *file = fopen(rules_path, "rb");
	if (!file) return NULL;
	if (fseek(file, 0, SEEK_END) == 0) {
		long length = ftell(file);
		if (length > 0 && length <= MAXIMUM_FILE && fseek(file, 0, SEEK_SET) == 0) {
			char *text = malloc((size_t)length);
			if (text && fread(text, 1, (size_t)length, file) == (size_t)length) read = signet_rules_parse(text, (size_t)length);
			free(text);
		}
	}
	fclose(file);
	return read;
}

/* Every certificate that was good for this one is still. */
static bool still_admitted(const struct signet_principal *before, const struct signet_rules *now)
{
	char thumb[65] = "";
	if (!now) return false;
	for (const char *one = before->thumbs; *one; one += 64) {
		const struct signet_principal *who;
		memcpy(thumb, one, 64);
		who = signet_rules_by_thumb(now, thumb);
		if (!who || strcmp(who->user, before->user) != 0) return false;
	}
	return true;
}

static void tell(const char *nonce, unsigned long closed)
{
	FILE *file = seen_path ? fopen(seen_path, "wb") : NULL;
	if (!file) return;
	fprintf(file, "%s %lu\n", nonce, closed);
	fclose(file);
}

static void take(void)
{
	struct stat now;
	struct signet_rules *read, *before = rules;
	unsigned long before_closing;
	memset(&now, 0, sizeof now);
	if (stat(rules_path, &now) != 0) memset(&now, 0, sizeof now);
	if (looked && same(&now, &last)) return;
	looked = true; last = now;
	read = read_rules();
	if (!read) mosquitto_log_printf(MOSQ_LOG_ERR, "signet: %s is no whole file of rules: nobody is admitted", rules_path);
	rules = read; /* before anybody is shown out, so that nobody comes back in */
	before_closing = ended;
	for (unsigned i = 0; before && i < before->principal_count; i++) {
		if (still_admitted(&before->principals[i], read)) continue;
		mosquitto_kick_client_by_username(before->principals[i].user, true);
	}
	for (unsigned i = 0; read && i < read->kick_count; i++) mosquitto_kick_client_by_username(read->kicks[i], true);
	signet_rules_free(before);
	if (read) mosquitto_log_printf(MOSQ_LOG_INFO, "signet: policy %lld for %u names is in force", read->policy, read->principal_count);
	/* Each session that is closed says so at once (on_end): Mosquitto's own answer does not tell how many there were. */
	tell(read ? read->nonce : "none", ended - before_closing);
}

static int on_end(int event, void *data, void *user) { (void)event; (void)data; (void)user; ended++; return MOSQ_ERR_SUCCESS; }

static int on_tick(int event, void *data, void *user) { (void)event; (void)data; (void)user; take(); return MOSQ_ERR_SUCCESS; }

static bool thumb_of(const struct mosquitto *client, char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	X509 *certificate = mosquitto_client_certificate(client);
	bool ok = certificate && X509_digest(certificate, EVP_sha256(), digest, &length) == 1 && length == 32;
	X509_free(certificate);
	for (unsigned i = 0; ok && i < length; i++) sprintf(text + 2 * i, "%02x", digest[i]);
	return ok;
}

/* Ids that Mosquitto makes up for clients that name none. */
static bool is_made_up(const char *client) { return strncmp(client, "auto-", 5) == 0 && strlen(client) == 41; }

static int on_login(int event, void *data, void *user)
{
	struct mosquitto_evt_basic_auth *asked = data;
	const struct signet_principal *who = NULL;
	const char *client = mosquitto_client_id(asked->client);
	char thumb[65];
	(void)event; (void)user;
	/* The file is not looked at here: closing sessions in the middle of a CONNECT could hit this very one. */
	if (asked->password) {
		mosquitto_log_printf(MOSQ_LOG_NOTICE, "signet: %s came with a password; certificates alone count", client ? client : "");
		return MOSQ_ERR_AUTH;
	}
	if (rules && thumb_of(asked->client, thumb)) who = signet_rules_by_thumb(rules, thumb);
	if (!who || !client) {
		mosquitto_log_printf(MOSQ_LOG_NOTICE, "signet: %s has no certificate that is admitted", client ? client : "");
		return MOSQ_ERR_AUTH;
	}
	if (!is_made_up(client) && !signet_owns_client(rules, who, client)) {
		mosquitto_log_printf(MOSQ_LOG_NOTICE, "signet: the client id %s is not %s's", client, who->user);
		return MOSQ_ERR_AUTH;
	}
	return mosquitto_set_username(asked->client, who->user) == MOSQ_ERR_SUCCESS ? MOSQ_ERR_SUCCESS : MOSQ_ERR_AUTH;
}

static int on_question(int event, void *data, void *user)
{
	struct mosquitto_evt_acl_check *asked = data;
	const char *name = mosquitto_client_username(asked->client);
	const struct signet_principal *who = rules && name ? signet_rules_by_user(rules, name) : NULL;
	bool allowed = false;
	(void)event; (void)user;
	if (!who || !asked->topic) return MOSQ_ERR_ACL_DENIED;
	switch (asked->access) {
	case MOSQ_ACL_READ: allowed = signet_decide(rules, who, SIGNET_DELIVER, asked->topic); break;
	case MOSQ_ACL_WRITE: allowed = signet_decide(rules, who, SIGNET_PUBLISH, asked->topic) && (!asked->retain || signet_decide(rules, who, SIGNET_RETAIN, asked->topic)); break;
	/* Shared subscriptions are not offered, here as in the embedded broker. */
	case MOSQ_ACL_SUBSCRIBE: allowed = strncmp(asked->topic, "$share", 6) != 0 && signet_decide(rules, who, SIGNET_SUBSCRIBE, asked->topic); break;
	case MOSQ_ACL_UNSUBSCRIBE: allowed = true; break;
	}
	return allowed ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

int mosquitto_plugin_version(int count, const int *supported)
{
	for (int i = 0; i < count; i++) if (supported[i] == 5) return 5;
	return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **user, struct mosquitto_opt *options, int count)
{
	(void)user;
	plugin = id;
	for (int i = 0; i < count; i++) {
		if (strcmp(options[i].key, "rules") == 0) rules_path = strdup(options[i].value);
		else if (strcmp(options[i].key, "seen") == 0) seen_path = strdup(options[i].value);
		else { mosquitto_log_printf(MOSQ_LOG_ERR, "signet: plugin_opt_%s is not known (rules, seen)", options[i].key); return MOSQ_ERR_INVAL; }
	}
	if (!rules_path) { mosquitto_log_printf(MOSQ_LOG_ERR, "signet: plugin_opt_rules FILE is missing"); return MOSQ_ERR_INVAL; }
	take();
	return mosquitto_callback_register(plugin, MOSQ_EVT_BASIC_AUTH, on_login, NULL, NULL) == MOSQ_ERR_SUCCESS
		&& mosquitto_callback_register(plugin, MOSQ_EVT_ACL_CHECK, on_question, NULL, NULL) == MOSQ_ERR_SUCCESS
		&& mosquitto_callback_register(plugin, MOSQ_EVT_DISCONNECT, on_end, NULL, NULL) == MOSQ_ERR_SUCCESS
		&& mosquitto_callback_register(plugin, MOSQ_EVT_TICK, on_tick, NULL, NULL) == MOSQ_ERR_SUCCESS ? MOSQ_ERR_SUCCESS : MOSQ_ERR_UNKNOWN;
}

int mosquitto_plugin_cleanup(void *user, struct mosquitto_opt *options, int count)
{
	(void)user; (void)options; (void)count;
	mosquitto_callback_unregister(plugin, MOSQ_EVT_BASIC_AUTH, on_login, NULL);
	mosquitto_callback_unregister(plugin, MOSQ_EVT_ACL_CHECK, on_question, NULL);
	mosquitto_callback_unregister(plugin, MOSQ_EVT_DISCONNECT, on_end, NULL);
	mosquitto_callback_unregister(plugin, MOSQ_EVT_TICK, on_tick, NULL);
	signet_rules_free(rules);
	free(rules_path); free(seen_path);
	rules = NULL; rules_path = seen_path = NULL;
	return MOSQ_ERR_SUCCESS;
}
