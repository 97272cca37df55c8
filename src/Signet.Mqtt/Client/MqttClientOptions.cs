using System.Net.Security;
using System.Security.Cryptography;

namespace Signet.Mqtt.Client;

/// <summary>Where and how a client connects. Every default is safe; unset values say what they mean.</summary>
public sealed record MqttClientOptions
{
    public required string Host { get; init; }

    public int Port { get; init; } = 8883;

    /// <summary>TLS settings, client certificate included; asked anew for every connection so that renewed certificates are taken up. Null: plain TCP.</summary>
    public Func<SslClientAuthenticationOptions>? Tls { get; init; }

    /// <summary>Carry MQTT over a WebSocket at this address (<c>ws</c> or <c>wss</c>) instead of host and port.</summary>
    public Uri? WebSocket { get; init; }

    public MqttVersion Version { get; init; } = MqttVersion.V5;

    /// <summary>Empty: the broker chooses one (MQTT 5), or a clean session is asked for (3.1.1).</summary>
    public string ClientId { get; init; } = "";

    /// <summary>Forget a session the broker still has. Reconnects of the same client always resume.</summary>
    public bool CleanStart { get; init; } = true;

    /// <summary>How long the broker keeps the session after the connection ends. MQTT 3.1.1 knows only zero (clean session) and for ever.</summary>
    public TimeSpan SessionExpiry { get; init; } = TimeSpan.Zero;

    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    public string? UserName { get; init; }

    public ReadOnlyMemory<byte>? Password { get; init; }

    public MqttWill? Will { get; init; }

    /// <summary>Enhanced authentication (MQTT 5.0 section 4.12); null: user name and password, or certificate alone.</summary>
    public ClientAuthentication? Authentication { get; init; }

    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>Null: when the connection breaks the client is finished.</summary>
    public ReconnectOptions? Reconnect { get; init; } = new();

    /// <summary>TCP, TLS and CONNACK together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Messages received and not yet read by the program; when full, the client stops reading from the network.</summary>
    public int ReceiveQueue { get; init; } = 256;

    /// <summary>Unacknowledged QoS 1 and 2 messages the broker may send (MQTT 5).</summary>
    public ushort ReceiveMaximum { get; init; } = 256;

    /// <summary>Unacknowledged QoS 1 and 2 messages this client sends at once; more wait in <see cref="MqttClient.PublishAsync"/>.</summary>
    public ushort SendMaximum { get; init; } = 256;

    /// <summary>Keeps unfinished QoS 1 and 2 exchanges beyond the process; needs a client id, <see cref="CleanStart"/> false and a <see cref="SessionExpiry"/>. The caller disposes it, after the client. Null: in memory alone.</summary>
    public InFlightStore? InFlight { get; init; }

    /// <summary>Topic aliases the broker may set (MQTT 5).</summary>
    public ushort TopicAliasMaximum { get; init; } = 32;

    /// <summary>Largest packet this client accepts.</summary>
    public int MaximumPacketSize { get; init; } = 1024 * 1024;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Random source of the back-off's jitter, so that a fleet does not come back in step.</summary>
    public Random Jitter { get; init; } = new(RandomNumberGenerator.GetInt32(int.MaxValue));

    public override string ToString() => $"{ClientId} at {WebSocket?.ToString() ?? Host + ":" + Port}"; // never the password
}

/// <summary>Enhanced authentication as the client does it.</summary>
/// <param name="Method">Name sent in CONNECT and every AUTH.</param>
/// <param name="Step">Gets the broker's data (null for the first step) and returns the client's.</param>
public sealed record ClientAuthentication(string Method, Func<ReadOnlyMemory<byte>?, CancellationToken, ValueTask<ReadOnlyMemory<byte>>> Step);

/// <summary>The message the broker publishes when this client goes away without saying so.</summary>
/// <param name="Message">Topic, payload, QoS, retain and properties.</param>
/// <param name="Delay">MQTT 5: wait this long, and drop it if the client is back in time.</param>
public sealed record MqttWill(MqttMessage Message, TimeSpan Delay = default);

/// <summary>Pause between attempts: doubles from <see cref="First"/> to <see cref="Longest"/>, each a random part between half and all of it.</summary>
public sealed record ReconnectOptions
{
    public TimeSpan First { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A refusal the broker will repeat (not authorized, banned, bad credentials) also ends the client; false tries for ever.</summary>
    public bool StopWhenRefused { get; init; }
}
