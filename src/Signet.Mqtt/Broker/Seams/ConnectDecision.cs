namespace Signet.Mqtt.Broker;

/// <summary>Everything a CONNECT says about who is there. The password never appears in <see cref="ToString"/>.</summary>
public sealed class ConnectRequest
{
    internal ConnectRequest(ConnectionFacts facts, MqttVersion version, string clientId, bool cleanStart)
    {
        Facts = facts;
        Version = version;
        ClientId = clientId;
        CleanStart = cleanStart;
    }

    public ConnectionFacts Facts { get; }

    public MqttVersion Version { get; }

    /// <summary>As sent; empty when the client asks the broker to choose one.</summary>
    public string ClientId { get; }

    public bool CleanStart { get; }

    public string? UserName { get; internal init; }

    /// <summary>Null when the client sent none.</summary>
    public ReadOnlyMemory<byte>? Password { get; internal init; }

    /// <summary>MQTT 5 enhanced authentication (section 4.12); null for ordinary connects.</summary>
    public string? AuthenticationMethod { get; internal init; }

    public ReadOnlyMemory<byte> AuthenticationData { get; internal init; }

    public IReadOnlyList<UserProperty> UserProperties { get; internal init; } = [];

    /// <summary>Free for the policy: what it remembers between the steps of one enhanced authentication.</summary>
    public object? Exchange { get; set; }

    public override string ToString() => $"CONNECT {Version} client '{ClientId}' from {Facts.Remote}";
}

/// <summary>The policy's answer to a CONNECT or AUTH.</summary>
public sealed record ConnectDecision
{
    private ConnectDecision(ReasonCode code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Success, ContinueAuthentication, or the refusal.</summary>
    public ReasonCode Code { get; }

    /// <summary>Why it was refused, in words that may be shown to the client.</summary>
    public string Reason { get; }

    /// <summary>Who this is. Sessions belong to (identity, client id): nobody takes over another identity's session.</summary>
    public string Identity { get; private init; } = "";

    /// <summary>Handed back in <see cref="ClientContext.Principal"/> at every later question.</summary>
    public object? Principal { get; private init; }

    /// <summary>Limits for this identity; null takes the broker's.</summary>
    public IdentityLimits? Limits { get; private init; }

    /// <summary>The client id to use instead of the one sent (announced to MQTT 5 clients only when the client sent none).</summary>
    public string? ClientId { get; private init; }

    /// <summary>Server's data for the next AUTH, or for the CONNACK.</summary>
    public ReadOnlyMemory<byte> AuthenticationData { get; private init; }

    public static ConnectDecision Accept(string identity, object? principal = null, IdentityLimits? limits = null, string? clientId = null,
        ReadOnlyMemory<byte> authenticationData = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(identity);
        return new(ReasonCode.Success, "") { Identity = identity, Principal = principal, Limits = limits, ClientId = clientId, AuthenticationData = authenticationData };
    }

    /// <summary>One more step of enhanced authentication: the client gets AUTH with this data.</summary>
    public static ConnectDecision Continue(ReadOnlyMemory<byte> authenticationData) =>
        new(ReasonCode.ContinueAuthentication, "") { AuthenticationData = authenticationData };

    public static ConnectDecision Refuse(ReasonCode code, string reason) => code.IsError()
        ? new(code, reason)
        : throw new ArgumentOutOfRangeException(nameof(code), code, "a refusal needs an error code (0x80 and above)");
}

/// <summary>A client as the policy sees it: fixed for the life of its connection, or of its session while it is away.</summary>
/// <param name="Identity">From <see cref="ConnectDecision.Identity"/>.</param>
/// <param name="ClientId">The client id in use.</param>
/// <param name="Principal">From <see cref="ConnectDecision.Principal"/>; for a session that was restored from disk and has not come back yet, from <see cref="IBrokerPolicy.Restore"/>.</param>
/// <param name="Facts">Of the connection; null while the client is away after a restart of the broker.</param>
public sealed record ClientContext(string Identity, string ClientId, object? Principal, ConnectionFacts? Facts);
