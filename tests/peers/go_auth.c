/* Stands where mosquitto-go-auth's go-auth.so would, which cannot be built where these tests run. It takes the same file through Mosquitto, and asks over HTTP what go-auth's http backend asks
 * (iegomez/mosquitto-go-auth, backends/http.go and the README): POST, params mode json, response mode json, any 5xx an error, an error a no. Stricter than go-auth in one thing: an option that
 * go-auth does not know ends the start, because go-auth would pass over a misspelt one in silence. */
#define _GNU_SOURCE
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

static const char *known[] = { "backends", "log_level", "log_dest", "log_file", "cache", "disable_superuser", "retry_count", "exhaust_backend_first", "http_host", "http_port", "http_getuser_uri", "http_superuser_uri",
	"http_aclcheck_uri", "http_params_mode", "http_response_mode", "http_timeout", "http_with_tls", "http_verify_peer", "http_method", "http_user_agent", "http_register", NULL };
static struct mosquitto_opt *given;
static int count;

static const char *option(const char *key)
{
	for (int i = 0; i < count; i++) if (strcmp(given[i].key, key) == 0) return given[i].value;
	return "";
}

static bool need(const char *key, const char *value)
{
	if (strcmp(option(key), value) == 0) return true;
	mosquitto_log_printf(MOSQ_LOG_ERR, "go-auth stand-in: %s is \"%s\", and it speaks %s only", key, option(key), value);
	return false;
}

int mosquitto_auth_plugin_version(void) { return MOSQ_AUTH_PLUGIN_VERSION; }

int mosquitto_auth_plugin_init(void **user, struct mosquitto_opt *options, int option_count)
{
	(void)user;
	given = options; count = option_count;
	for (int i = 0; i < count; i++) {
		bool is_known = false;
		for (const char **name = known; *name; name++) is_known |= strcmp(options[i].key, *name) == 0;
		if (is_known) continue;
		mosquitto_log_printf(MOSQ_LOG_ERR, "go-auth stand-in: go-auth knows no option auth_opt_%s", options[i].key);
		return MOSQ_ERR_INVAL;
	}
	/* Without these go-auth does not start. */
	if (!*option("http_host") || !*option("http_port") || !*option("http_getuser_uri") || !*option("http_aclcheck_uri")) return MOSQ_ERR_INVAL;
	return need("backends", "http") && need("http_params_mode", "json") && need("http_response_mode", "json") && need("http_with_tls", "false") && need("cache", "false") && need("disable_superuser", "true")
		? MOSQ_ERR_SUCCESS : MOSQ_ERR_INVAL;
}

int mosquitto_auth_plugin_cleanup(void *user, struct mosquitto_opt *options, int option_count) { (void)user; (void)options; (void)option_count; return MOSQ_ERR_SUCCESS; }
int mosquitto_auth_security_init(void *user, struct mosquitto_opt *options, int option_count, bool reload) { (void)user; (void)options; (void)option_count; (void)reload; return MOSQ_ERR_SUCCESS; }
int mosquitto_auth_security_cleanup(void *user, struct mosquitto_opt *options, int option_count, bool reload) { (void)user; (void)options; (void)option_count; (void)reload; return MOSQ_ERR_SUCCESS; }

static void quote(char *to, size_t room, const char *text)
{
	size_t at = 0;
	to[at++] = '"';
	for (; *text && at + 8 < room; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\') { to[at++] = '\\'; to[at++] = (char)c; }
		else if (c < 0x20) at += (size_t)sprintf(to + at, "\\u%04x", c);
		else to[at++] = (char)c;
	}
	to[at++] = '"'; to[at] = 0;
}

/* True: {"Ok":true}. Everything else, an error too, is a no. */
static bool ask(const char *uri, const char *body)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *address = NULL;
	struct timeval patience = { .tv_sec = atoi(option("http_timeout")) };
	char request[8192], answer[8192];
	size_t got = 0;
	int line, status = 0;
	if (getaddrinfo(option("http_host"), option("http_port"), &hints, &address) != 0) return false;
	line = socket(address->ai_family, address->ai_socktype, 0);
	setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	int length = snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: mosquitto-2.0.0\r\nContent-Length: %zu\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n%s",
		uri, option("http_host"), option("http_port"), strlen(body), body);
	if (connect(line, address->ai_addr, address->ai_addrlen) == 0 && send(line, request, (size_t)length, MSG_NOSIGNAL) == length)
		for (ssize_t more; got < sizeof answer - 1 && (more = recv(line, answer + got, sizeof answer - 1 - got, 0)) > 0;) got += (size_t)more;
	close(line);
	freeaddrinfo(address);
	answer[got] = 0;
	if (sscanf(answer, "HTTP/1.1 %d", &status) != 1 || status < 200 || status >= 300) {
		mosquitto_log_printf(MOSQ_LOG_NOTICE, "go-auth stand-in: %s answered %d", uri, status);
		return false;
	}
	return strcasestr(answer, "\"ok\":true") != NULL;
}

int mosquitto_auth_unpwd_check(void *user, struct mosquitto *client, const char *username, const char *password)
{
	char name[1024], secret[1024], id[1024], body[4096];
	(void)user;
	if (!username || !password) return MOSQ_ERR_AUTH;
	quote(name, sizeof name, username); quote(secret, sizeof secret, password); quote(id, sizeof id, mosquitto_client_id(client));
	snprintf(body, sizeof body, "{\"clientid\":%s,\"password\":%s,\"username\":%s}", id, secret, name);
	return ask(option("http_getuser_uri"), body) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_AUTH;
}

int mosquitto_auth_acl_check(void *user, int access, struct mosquitto *client, const struct mosquitto_acl_msg *message)
{
	const char *username = mosquitto_client_username(client);
	char name[1024], topic[1024], id[1024], body[4096];
	(void)user;
	if (!username || !message->topic) return MOSQ_ERR_ACL_DENIED;
	quote(name, sizeof name, username); quote(topic, sizeof topic, message->topic); quote(id, sizeof id, mosquitto_client_id(client));
	snprintf(body, sizeof body, "{\"acc\":%d,\"clientid\":%s,\"topic\":%s,\"username\":%s}", access, id, topic, name);
	return ask(option("http_aclcheck_uri"), body) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}
