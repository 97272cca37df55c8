using Microsoft.Extensions.Logging.Abstractions;
using Signet.Control;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// A whole command center that was backed up and went on working; then it is lost, and restored. The attacker keeps what was said after the backup: readings the lost center took, receipts of
/// commands it sent, and plays them to the restored one.
/// </summary>
internal sealed class LostCenter : IAsyncDisposable
{
    private const string Passphrase = "a backup of the lab, gone with it", Device = "before-the-restore";

    private readonly LabContext _lab;
    private readonly string _backup;
    private readonly CommandCenter _center;
    private readonly WholeCenter _heard;

    private LostCenter(LabContext lab, string backup, CommandCenter center, WholeCenter heard) => (_lab, _backup, _center, _heard) = (lab, backup, center, heard);

    public static async Task<LostCenter> StartAsync(LabContext lab, CancellationToken cancellationToken)
    {
        var folder = lab.NewFolder("lost");
        var (data, backup) = (Path.Combine(folder, "data"), Path.Combine(folder, "center.backup"));
        await Installation.CreateAsync(data, new() { Demo = true }, lab.Time, lab.Secrets, cancellationToken);
        var center = await OpenAsync(data, lab, cancellationToken);
        try
        {
            var heard = await WholeCenter.StartAsync(lab, center, Device, cancellationToken);
            await Backup.CreateAsync(data, null, backup, Passphrase, withKeys: true, lab.Time, lab.Secrets, cancellationToken: cancellationToken);
            return new(lab, backup, center, heard);
        }
        catch
        {
            await center.DisposeAsync();
            throw;
        }
    }

    /// <summary>A reading that the center takes, which is lost a moment later.</summary>
    public Task<byte[]> ReadingAsync(CancellationToken cancellationToken) => TakenAsync(TelemetryMessage.Sign(_heard.Reading(), _heard.Keys.VictimKey), Topics.Telemetry(_heard.Keys.Victim, "door"), cancellationToken);

    /// <summary>The receipt of a command of the center, which is lost a moment later.</summary>
    public async Task<byte[]> ReceiptAsync(CancellationToken cancellationToken)
    {
        var (id, command) = await _heard.SendAsync(cancellationToken);
        return await TakenAsync(ReceiptMessage.Sign(_heard.Receipt(id, command), _heard.Keys.VictimKey), Topics.Receipt(_heard.Keys.Victim), cancellationToken);
    }

    /// <summary>Restores the backup, starts the center, and hands it one of the old messages.</summary>
    /// <param name="without">Left out (<c>restore-memory</c>): a restore that does not write down from when on the center remembers.</param>
    public async Task<DeviceAnswer> ReplayAsync(byte[] message, Func<string, string> topic, string? without, CancellationToken cancellationToken)
    {
        var data = Path.Combine(_lab.NewFolder("restored"), "data");
        await Restore.RunAsync(_backup, data, null, Passphrase, _lab.Time, cancellationToken: cancellationToken);
        if (without == "restore-memory") AsItIs.Execute(Path.Combine(data, "signet.db"), "UPDATE center SET remembers_since = NULL");
        await using var center = await OpenAsync(data, _lab, cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(1), _lab.Time, cancellationToken); // messages tell their time in whole seconds: what is signed in the second of the restore counts as before it
        await using var whole = await WholeCenter.StartAsync(_lab, center, Device, cancellationToken);
        return await whole.TakeAsync(message, topic(whole.Keys.Victim), cancellationToken);
    }

    private async Task<byte[]> TakenAsync(byte[] message, string topic, CancellationToken cancellationToken) =>
        await _heard.TakeAsync(message, topic, cancellationToken) is { Executed: false } refused ? throw new LabException($"a genuine message was refused: {refused.Reason}") : message;

    private static async Task<CommandCenter> OpenAsync(string data, LabContext lab, CancellationToken cancellationToken)
    {
        var center = await CommandCenter.OpenAsync(new() { DataDirectory = data, MqttPort = 0 }, lab.Time, lab.Secrets, NullLoggerFactory.Instance, cancellationToken);
        try
        {
            await center.StartAsync(cancellationToken);
            return center;
        }
        catch
        {
            await center.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _heard.DisposeAsync();
        await _center.DisposeAsync();
    }
}
