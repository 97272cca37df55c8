/* The questions of the plugin without a broker, so that its answers can be held against the command center's:  ask RULES < QUESTIONS
 * A question is a line ACTION TAB USER TAB TOPIC, the answer a line 1 or 0. ACTION: 1 publish, 2 subscribe, 3 deliver, 4 retain, 5 will; c: is the topic a client id of the user's? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

int main(int count, char **arguments)
{
	static char text[64 * 1024 * 1024], line[128 * 1024];
	struct signet_rules *rules;
	FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
	size_t length = file ? fread(text, 1, sizeof text, file) : 0;
	if (file) fclose(file);
	rules = signet_rules_parse(text, length);
	if (!rules) { puts("no rules"); return 1; }
	while (fgets(line, sizeof line, stdin)) {
		char *user = strchr(line, '\t'), *topic = user ? strchr(user + 1, '\t') : NULL;
		const struct signet_principal *who;
		if (!topic) return 2;
		*user++ = 0; *topic++ = 0; topic[strcspn(topic, "\n")] = 0;
		who = signet_rules_by_user(rules, user);
		puts(who && (line[0] == 'c' ? signet_owns_client(rules, who, topic) : signet_decide(rules, who, (enum signet_action)atoi(line), topic)) ? "1" : "0");
	}
	signet_rules_free(rules);
	return 0;
}
