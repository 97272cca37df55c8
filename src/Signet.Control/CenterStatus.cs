namespace Signet.Control;

/// <summary>Is everything well? One answer for the home page, <c>signet status</c> and the health endpoints.</summary>
/// <param name="Version">Of the program.</param>
/// <param name="Started">When this process opened the center.</param>
/// <param name="Broker">The embedded broker and the center's own link to it.</param>
/// <param name="DevicesKnown">In the fleet, disabled ones included.</param>
/// <param name="DevicesOnline">See <see cref="PresenceState.Online"/>.</param>
/// <param name="CommandsOpen">Sent, and without a final answer.</param>
/// <param name="Audit">Whether the log takes entries.</param>
/// <param name="Certificates">The center's own certificates, the authorities and the devices' that end soonest, nearest end first.</param>
/// <param name="Runtime">Version of .NET and the operating system, for the about page.</param>
public sealed record CenterStatus(
    string Version, DateTimeOffset Started, BrokerStatus Broker, int DevicesKnown, int DevicesOnline, int CommandsOpen,
    AuditStatus Audit, IReadOnlyList<CertificateEnd> Certificates, string Runtime)
{
    /// <summary>Whether the database of fleet, commands and people answers.</summary>
    public DatabaseStatus Database { get; init; } = new(true, "");

    /// <summary>The center is about to stop: what was taken is finished, new work belongs elsewhere.</summary>
    public bool Draining { get; init; }

    /// <summary>What devices say is worked through; false while the last messages could not be, and are tried again.</summary>
    public bool Intake { get; init; } = true;

    /// <summary>Ready to take commands: broker, link, intake, database and audit log all work, and no stop is under way.</summary>
    public bool IsReady => Broker.Listening && Broker.Linked && Intake && Audit.Writable && Database.IsReady && !Draining;
}

/// <param name="Listening">The MQTT port is open.</param>
/// <param name="Linked">The center's own client is connected and subscribed.</param>
/// <param name="EndPoint">Address and port; null before the start.</param>
/// <param name="Connections">Clients connected now, the center's own included.</param>
public sealed record BrokerStatus(bool Listening, bool Linked, string? EndPoint, long Connections, long MessagesIn, long MessagesOut);

/// <param name="Message">One line for people; "" when all is well.</param>
/// <param name="Entries">In the log.</param>
/// <param name="CheckpointSize">Entries under the latest signed checkpoint; 0 when there is none.</param>
public sealed record AuditStatus(bool Writable, string Message, long Entries, long CheckpointSize);

/// <param name="Ends">End of validity.</param>
/// <param name="Profile">Lower-case name of the certificate's profile.</param>
public sealed record CertificateEnd(string Name, string Profile, string Serial, DateTimeOffset Ends);

/// <param name="IsReady">It answered just now.</param>
/// <param name="Message">One line for people; "" when all is well.</param>
public sealed record DatabaseStatus(bool IsReady, string Message);
