namespace Signet.Control;

/// <summary>What one device has said about the audit log.</summary>
/// <param name="Size">Entries that its newest cosigned checkpoint covers; 0 for none.</param>
/// <param name="Note">That checkpoint with the device's cosignature under it; "" for none. Anybody can check it with the log's and the device's public keys.</param>
/// <param name="At">When the center took it.</param>
/// <param name="Alarm">What it raised and nobody has settled; null for nothing.</param>
/// <param name="Evidence">The signed alarm.</param>
public sealed record WitnessRecord(string Device, long Size, string Note, DateTimeOffset? At, string? Alarm, DateTimeOffset? AlarmAt, string? Evidence);

/// <summary>How far a quorum has confirmed the log.</summary>
/// <param name="Quorum">Witnesses that must agree.</param>
/// <param name="Witnesses">Devices that have ever cosigned.</param>
/// <param name="Confirmed">Entries that at least a quorum has cosigned as part of this history; 0 for none.</param>
/// <param name="By">Who confirms at least that much.</param>
/// <param name="Strangers">Devices whose cosigned checkpoint is not part of this history.</param>
/// <param name="Alarms">Devices with an alarm that stands.</param>
public sealed record WitnessCount(int Quorum, int Witnesses, long Confirmed, IReadOnlyList<string> By, IReadOnlyList<string> Strangers, IReadOnlyList<string> Alarms)
{
    public bool IsReached => Confirmed > 0 && Strangers.Count == 0;
}
