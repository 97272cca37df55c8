using System.Security.Cryptography;
using System.Text;
using Signet.Pki;

namespace Signet.Cli.Brokers;

/// <summary>Brokers that ask the command center over HTTP: RabbitMQ and EMQX.</summary>
internal static class HttpBrokerFiles
{
    /// <summary>No device, person or service can have this name: a slash stands in none.</summary>
    public const string ManagementUser = "signet/management", PasswordFile = "management.password";

    public static async Task WriteRabbitMqAsync(string folder, int port, int management, string auth, CancellationToken cancellation)
    {
        var kept = Path.Combine(folder, PasswordFile);
        // RabbitMQ takes it at its first start only: a folder keeps the one it has.
        if (!File.Exists(kept)) KeyFile.WritePrivate(kept, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24))));
        var conf = Path.Combine(folder, "rabbitmq.conf");
        KeyFile.WritePrivate(conf, Encoding.ASCII.GetBytes($"""
            # RabbitMQ for a Signet installation. Written by `signet broker config rabbitmq`. RabbitMQ 3.10 speaks MQTT 3.1.1 only.
            listeners.tcp = none
            mqtt.listeners.tcp = none
            mqtt.listeners.ssl.default = {port}

            ssl_options.cacertfile = {folder}/ca.crt
            ssl_options.certfile = {folder}/rabbitmq.crt
            ssl_options.keyfile = {folder}/rabbitmq.key
            ssl_options.verify = verify_peer
            ssl_options.fail_if_no_peer_cert = true
            ssl_options.depth = 2
            ssl_options.versions.1 = tlsv1.3

            # Who: the common name of the certificate. A user name or password in CONNECT would win over it: the center refuses every question that carries a password.
            mqtt.ssl_cert_login = true
            ssl_cert_login_from = common_name
            mqtt.allow_anonymous = false
            mqtt.vhost = /
            mqtt.exchange = amq.topic
            # Sessions of clients that are away are kept for a day, and what is kept for topics survives a restart.
            mqtt.subscription_ttl = 86400000
            mqtt.retained_message_store = rabbit_mqtt_retained_msg_store_dets

            # What: asked of the center for each log-in, queue and topic; no answer is a no.
            auth_backends.1 = internal
            auth_backends.2 = http
            auth_http.http_method = post
            auth_http.user_path = {auth}/rabbitmq/user
            auth_http.vhost_path = {auth}/rabbitmq/vhost
            auth_http.resource_path = {auth}/rabbitmq/resource
            auth_http.topic_path = {auth}/rabbitmq/topic

            # The only user that RabbitMQ knows itself: over it the center closes connections. It may neither publish nor subscribe.
            default_user = {ManagementUser}
            default_pass = {File.ReadAllText(kept).Trim()}
            default_user_tags.administrator = true
            default_permissions.configure = ^$
            default_permissions.read = ^$
            default_permissions.write = ^$
            loopback_users = none
            management.tcp.ip = 127.0.0.1
            management.tcp.port = {management}

            """));
        await File.WriteAllTextAsync(Path.Combine(folder, "enabled_plugins"), "[rabbitmq_auth_backend_http,rabbitmq_auth_mechanism_ssl,rabbitmq_management,rabbitmq_mqtt].\n", cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder, "signet.json"), $$"""
            {
              "broker": {
                "kind": "rabbitmq",
                "address": "localhost:{{port}}",
                "management": "http://127.0.0.1:{{management}}",
                "managementUser": "{{ManagementUser}}",
                "managementPasswordFile": "{{kept}}"
              }
            }

            """, cancellation);
    }

    /// <param name="folder">Where to.</param>
    /// <param name="plugin">Path of go-auth.so.</param>
    /// <param name="host">Of the center.</param>
    /// <param name="port">Of its endpoints.</param>
    /// <param name="tokenFile">The center is on another machine: TLS, and the secret path segment in this file.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task WriteGoAuthAsync(string folder, string plugin, string host, int port, string? tokenFile, CancellationToken cancellation)
    {
        var token = tokenFile is null ? "" : "/" + (await File.ReadAllTextAsync(tokenFile, cancellation)).Trim();
        var text = $"""
            # mosquitto-go-auth for a Signet installation. Written by `signet broker config go-auth` from its documentation; go-auth could not be built where Signet's tests run.
            auth_plugin {plugin}
            allow_anonymous false

            auth_opt_backends http
            auth_opt_http_host {host}
            auth_opt_http_port {port}
            auth_opt_http_getuser_uri /auth{token}/user
            auth_opt_http_superuser_uri /auth{token}/superuser
            auth_opt_http_aclcheck_uri /auth{token}/acl
            auth_opt_http_params_mode json
            auth_opt_http_response_mode json
            # go-auth waits so many seconds and then denies; the center answers a log-in within 4 s, or says that it is busy.
            auth_opt_http_timeout 5
            # go-auth asks the operating system's roots about the center's certificate: put the center's root.crt there (Debian: /usr/local/share/ca-certificates, update-ca-certificates).
            auth_opt_http_with_tls {(tokenFile is null ? "false" : "true")}
            auth_opt_http_verify_peer {(tokenFile is null ? "false" : "true")}

            # A remembered answer outlives a revocation, and a code that was used once would be good again: no cache.
            auth_opt_cache false
            # Everything is asked; there are no superusers.
            auth_opt_disable_superuser true
            auth_opt_log_level warn

            """;
        var path = Path.Combine(folder, "auth.conf");
        // With the token it is a secret.
        if (tokenFile is null) await File.WriteAllTextAsync(path, text, cancellation);
        else KeyFile.WritePrivate(path, Encoding.UTF8.GetBytes(text));
    }

    public static async Task WriteEmqxAsync(string folder, int port, string auth, CancellationToken cancellation) => await File.WriteAllTextAsync(Path.Combine(folder, "emqx.conf"), $$"""
        # EMQX 5 for a Signet installation. Written by `signet broker config emqx` from EMQX's documentation; it was not run with one.
        listeners.tcp.default.enable = false
        listeners.ws.default.enable = false
        listeners.wss.default.enable = false
        listeners.ssl.default {
          bind = "0.0.0.0:{{port}}"
          ssl_options {
            cacertfile = "{{folder}}/ca.crt"
            certfile = "{{folder}}/emqx.crt"
            keyfile = "{{folder}}/emqx.key"
            verify = verify_peer
            fail_if_no_peer_cert = true
            versions = ["tlsv1.3"]
            # Revocation: EMQX fetches the lists from the address in the certificates (pki:publicUrl must be set). It does not ask them for sessions that are open.
            enable_crl_check = true
          }
        }

        mqtt.peer_cert_as_username = cn
        # Clients cannot take over each other's session: the client id is the name in the certificate.
        mqtt.peer_cert_as_clientid = cn

        authentication = [
          {
            mechanism = password_based
            backend = http
            method = post
            url = "{{auth}}/emqx/authn"
            headers { "content-type" = "application/json" }
            body { username = "${username}", password = "${password}", clientid = "${clientid}", cert_common_name = "${cert_common_name}" }
            request_timeout = 5s
          }
        ]

        authorization {
          no_match = deny
          deny_action = disconnect
          # A remembered yes outlives a revocation.
          cache { enable = false }
          sources = [
            {
              type = http
              method = post
              url = "{{auth}}/emqx/authz"
              headers { "content-type" = "application/json" }
              body { username = "${username}", clientid = "${clientid}", topic = "${topic}", action = "${action}", qos = "${qos}", retain = "${retain}" }
              request_timeout = 5s
            }
          ]
        }

        """, cancellation);
}
