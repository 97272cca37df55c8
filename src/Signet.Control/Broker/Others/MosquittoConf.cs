namespace Signet.Control;

/// <summary>The configuration of a Mosquitto that enforces this installation's certificates and policy.</summary>
public static class MosquittoConf
{
    /// <param name="folder">Where everything lies: ca.crt, crl.pem, acl or rules, persistence/.</param>
    /// <param name="listener">Port, and an address after it where not every one is meant.</param>
    /// <param name="certificate">Path of the broker's certificate without <c>.crt</c> and <c>.key</c>.</param>
    /// <param name="plugin">Path of Signet's plugin; null: an ACL file decides.</param>
    /// <param name="keepsUser">Mosquitto started by root stays root: it must read keys that are root's own.</param>
    public static string Write(string folder, string listener, string certificate, string? plugin, bool keepsUser) => $"""
        # Mosquitto 2 for a Signet installation. Written by Signet; changes are lost.
        # Who: {(plugin is null ? "the common name of a client certificate of this installation. What: the ACL, made from the access policy." : "whoever's certificate stands in the rules. What: the access policy, asked in this very process.")}
        per_listener_settings false

        listener {listener}
        protocol mqtt
        cafile {folder}/ca.crt
        certfile {certificate}.crt
        keyfile {certificate}.key
        require_certificate true
        tls_version tlsv1.3

        # Mosquitto fails open: with a missing, empty or broken file at SIGHUP it accepts revoked certificates again. Never edit it by hand;
        # `signet broker sync mosquitto {folder}` verifies, renames, signals and probes with a revoked certificate.
        crlfile {folder}/crl.pem

        allow_anonymous false
        {(plugin is null ? $"use_identity_as_username true\nacl_file {folder}/acl" : $"plugin {plugin}\nplugin_opt_rules {folder}/rules\nplugin_opt_seen {folder}/seen")}

        persistence true
        persistence_location {folder}/persistence/
        autosave_interval 30

        pid_file {folder}/mosquitto.pid
        {(keepsUser ? "user root\n" : "")}log_dest stderr
        log_type error
        log_type warning
        log_type notice
        connection_messages true

        # Bounds for clients that misbehave. What waits for one client: the center must not lose the words of a fleet that comes back at once.
        max_packet_size 262144
        max_inflight_messages 20
        max_queued_messages 100000
        max_queued_bytes 67108864
        persistent_client_expiration 1d

        """;
}
