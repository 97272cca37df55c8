namespace Signet.Cli.Brokers;

/// <summary>Brokers that ask the command center over HTTP: RabbitMQ and EMQX.</summary>
internal static class HttpBrokerFiles
{
    public static async Task WriteRabbitMqAsync(string folder, int port, string auth, CancellationToken cancellation)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "rabbitmq.conf"), $"""
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

            # What: asked of the center for each log-in, queue and topic; no answer is a no.
            auth_backends.1 = http
            auth_http.http_method = post
            auth_http.user_path = {auth}/rabbitmq/user
            auth_http.vhost_path = {auth}/rabbitmq/vhost
            auth_http.resource_path = {auth}/rabbitmq/resource
            auth_http.topic_path = {auth}/rabbitmq/topic

            loopback_users = none

            """, cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder, "enabled_plugins"), "[rabbitmq_auth_backend_http,rabbitmq_auth_mechanism_ssl,rabbitmq_mqtt].\n", cancellation);
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
