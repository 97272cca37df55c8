using System.Security.Cryptography;
using Signet.Audit;
using Signet.Proof;

namespace Signet.Lab;

/// <summary>
/// A stopped audit log in the hands of somebody who may write its files: 40 entries under two checkpoints, an older copy of it from after the first,
/// and, kept outside, the public key of its checkpoints and the last checkpoint itself. Made once a run; each attack gets its own copy.
/// </summary>
public sealed class LogBench
{
    private const int EntriesEach = 20;

    private readonly string _directory;
    private int _copies;

    private LogBench(string directory, IReadOnlyList<CheckpointKey> trust, string lastNote) => (_directory, Trust, LastNote) = (directory, trust, lastNote);

    /// <summary>What an auditor has pinned.</summary>
    public IReadOnlyList<CheckpointKey> Trust { get; }

    /// <summary>A checkpoint that devices and witnesses have seen.</summary>
    public string LastNote { get; }

    public static async Task<LogBench> MakeAsync(string directory, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        var whole = Path.Combine(directory, "whole");
        await WriteAsync(whole, "first", time, random, cancellationToken);
        Copy(whole, Path.Combine(directory, "old"));
        var (trust, note) = await WriteAsync(whole, "second", time, random, cancellationToken);
        return new(directory, trust, note);
    }

    /// <summary>Opens (or makes) a log, writes entries and a checkpoint, closes it.</summary>
    private static async Task<(IReadOnlyList<CheckpointKey> Trust, string Note)> WriteAsync(string directory, string what, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = directory, ReserveBytes = 0 }, time, random, cancellationToken);
        for (var i = 0; i < EntriesEach; i++)
            await log.AppendAsync(new(AuditTypes.Command, "admin", LabIdentities.Victim, "command-sent", "success", "", new() { ["n"] = i, ["what"] = what }), cancellationToken);
        var checkpoint = await log.CheckpointAsync(cancellationToken);
        if (!CheckpointKey.TryReadPem(log.TrustPem, out var keys, out var why)) throw new LabException(why);
        return (keys, checkpoint.Note);
    }

    /// <summary>A copy of the present log, or of the older one, to do anything to.</summary>
    public string NewCopy(bool old = false)
    {
        var copy = Path.Combine(_directory, $"copy-{Interlocked.Increment(ref _copies)}");
        Copy(Path.Combine(_directory, old ? "old" : "whole"), copy);
        return copy;
    }

    public string EmptyFolder() => Path.Combine(_directory, $"copy-{Interlocked.Increment(ref _copies)}");

    /// <summary>Another history on top of a copy, written with the log's own keys by its own writer.</summary>
    public static Task ContinueAsync(string directory, string what, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken) => WriteAsync(directory, what, time, random, cancellationToken);

    /// <summary>Writes into the database past everything.</summary>
    public static void Execute(string directory, string sql) => AsItIs.Execute(Path.Combine(directory, "audit.db"), sql);

    /// <summary>What a reader sees that verifies nothing: how many entries there are.</summary>
    public static long Count(string directory)
    {
        using var connection = AsItIs.Open(Path.Combine(directory, "audit.db")).Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM entries";
        return Convert.ToInt64(command.ExecuteScalar());
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.EnumerateDirectories(from)) Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
