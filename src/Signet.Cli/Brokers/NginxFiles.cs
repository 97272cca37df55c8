namespace Signet.Cli.Brokers;

/// <summary>nginx in front of an installation.</summary>
internal static class NginxFiles
{
    public static async Task WriteAsync(string folder, int port, string center, string bind, int mqttPort, int consolePort, string[] hosts, CancellationToken cancellation)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "nginx.conf"), $$"""
            # nginx in front of a Signet installation. Written by `signet broker config nginx`.
            # MQTT is passed through as it is: the client's certificate reaches the broker, which alone judges it; nginx holds no key that could speak for a device.
            worker_processes auto;
            # Debian keeps the stream module beside the program; remove the line where it is built in.
            load_module /usr/lib/nginx/modules/ngx_stream_module.so;
            pid {{folder}}/nginx.pid;
            error_log stderr warn;

            events { worker_connections 4096; }

            stream {
                # One client, one connection; a device has one more while it comes back.
                limit_conn_zone $binary_remote_addr zone=clients:1m;

                server {
                    listen {{port}};
                    proxy_pass {{center}}:{{mqttPort}};
                    # The client's address, which the broker believes only from proxies that are named: mqtt:proxies.
                    # For a Mosquitto behind nginx leave the line out: Mosquitto does not know the PROXY protocol.
                    proxy_protocol on;
                    # Where nginx connects from: this address must be named there, and nobody else may use it. On one machine an address of its own, because the center talks to itself too.
                    proxy_bind {{bind}};
                    proxy_connect_timeout 5s;
                    # Longer than the longest keep alive that is granted, one and a half times.
                    proxy_timeout 30m;
                    limit_conn clients 256;
                }

                # A variant that ends TLS here, for a broker that cannot do it. The broker behind must be reached over a protected hop and must know of nothing but this proxy: it sees
                # no certificate, so it cannot tell one device from another. The embedded broker does not take it; use the passthrough above wherever you can.
                #
                # server {
                #     listen {{port + 1}} ssl;
                #     ssl_certificate {{folder}}/nginx.crt;
                #     ssl_certificate_key {{folder}}/nginx.key;
                #     ssl_client_certificate {{folder}}/ca.crt;
                #     ssl_verify_client on;
                #     ssl_crl {{folder}}/crl.pem;
                #     ssl_protocols TLSv1.3;
                #     ssl_session_tickets off;
                #     ssl_session_cache off;
                #     proxy_pass {{center}}:1883;
                # }

                # The console: passed through too, so that its client certificates and its own headers stay whole.
                server {
                    listen {{ConsoleListen(port)}};
                    proxy_pass {{center}}:{{consolePort}};
                    proxy_connect_timeout 5s;
                    # The live feed sends a line at least every 15 s.
                    proxy_timeout 5m;
                }
            }

            """, cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder, "nginx-terminating.conf"), Terminating(folder, port, center, bind, consolePort), cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder, "README.txt"), $"""
            nginx.conf passes TLS through; nginx-terminating.conf ends it, for the console and MQTT over WebSocket (/mqtt), and says who the client is.

            Test it:  nginx -t -c {folder}/nginx.conf
            Run it:   nginx -c {folder}/nginx.conf -g 'daemon off;'

            The center must name this proxy:  signet.json  "mqtt": <open> "proxies": "{bind}" <close>
            and its certificates must carry the names that clients use:  signet up --host {hosts[0]}
            For nginx-terminating.conf:  "console": <open> "proxies": "{bind}" <close>;  nginx.crt and nginx.key are how the center knows it. Keep the key as you would keep everybody's.
            From then on the MQTT port takes connections from that address only with the proxy's header; other addresses are served as before.

            """.Replace("<open>", "{", StringComparison.Ordinal).Replace("<close>", "}", StringComparison.Ordinal), cancellation);
    }

    // One process of its own: whoever does not want it does not run it.
    private static string Terminating(string folder, int port, string center, string bind, int consolePort) => $$"""
        # nginx that ends TLS before the console and MQTT over WebSocket. Written by `signet broker config nginx`.
        # It tells the center who its client is, and the center believes that only from {{bind}} (console:proxies) with the certificate nginx.crt (profile proxy, console:proxyName).
        # Whoever holds nginx.key and that address can speak for everybody: prefer the passthrough in nginx.conf where you can.
        worker_processes auto;
        pid {{folder}}/nginx-terminating.pid;
        error_log stderr warn;

        events { worker_connections 4096; }

        http {
            access_log off;
            server_tokens off;
            # To WebSocket and to nothing else: HTTP/2 in clear text (h2c) would pass what is checked here by.
            map $http_upgrade $upgrade_to { default ''; ~*^websocket$ websocket; }
            map $upgrade_to $connection_upgrade { default ''; websocket upgrade; }
            limit_conn_zone $binary_remote_addr zone=clients:1m;

            server {
                listen {{(port == 8883 ? 8444 : port + 3).ToString(System.Globalization.CultureInfo.InvariantCulture)}} ssl;
                ssl_certificate {{folder}}/nginx.crt;
                ssl_certificate_key {{folder}}/nginx.key;
                ssl_protocols TLSv1.3;
                # Whoever resumes a session shows no certificate.
                ssl_session_tickets off;
                ssl_session_cache off;
                # The client proves that it has the key; whose certificate that is and whether it is still good the center alone judges, at each request. So no list lies here that could grow old.
                ssl_client_certificate {{folder}}/ca.crt;
                ssl_verify_client optional_no_ca;
                ssl_verify_depth 2;
                limit_conn clients 256;
                client_max_body_size 1m;

                location / {
                    proxy_pass https://{{center}}:{{consolePort}};
                    proxy_bind {{bind}};
                    proxy_http_version 1.1;
                    proxy_set_header Host $http_host;
                    proxy_set_header Upgrade $upgrade_to;
                    proxy_set_header Connection $connection_upgrade;
                    # These two replace whatever the client has sent under their names; without a certificate the first is not sent at all.
                    proxy_set_header X-Signet-Client-Cert $ssl_client_escaped_cert;
                    proxy_set_header X-Signet-Client-Address $remote_addr;
                    # The hop is authenticated both ways.
                    proxy_ssl_certificate {{folder}}/nginx.crt;
                    proxy_ssl_certificate_key {{folder}}/nginx.key;
                    proxy_ssl_trusted_certificate {{folder}}/ca.crt;
                    proxy_ssl_verify on;
                    proxy_ssl_verify_depth 2;
                    proxy_ssl_name {{(center is "127.0.0.1" or "::1" ? "localhost" : center)}};
                    proxy_ssl_server_name on;
                    proxy_ssl_protocols TLSv1.3;
                    proxy_ssl_session_reuse off;
                    # The live feed and MQTT: nothing is kept back; the feed sends a line at least every 15 s, MQTT keeps itself alive.
                    proxy_buffering off;
                    proxy_connect_timeout 5s;
                    proxy_read_timeout 30m;
                    proxy_send_timeout 5m;
                }
            }
        }

        """;

    // Beside the MQTT port, so that the file can be tried without root.
    private static int ConsoleListen(int port) => port == 8883 ? 443 : port + 2;
}
