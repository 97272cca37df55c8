using Signet.Audit;
using Signet.Proof;

namespace Signet.Lab;

/// <summary>Attacks on the record of what happened, by somebody who can write the log's files and start its writer. The verifier must name what was done.</summary>
internal static class LogAttacks
{
    private static readonly string[] Erase = ["T0872"];

    public static IEnumerable<Attack> All =>
    [
        Sql("edit-entry", "Changes one word inside an entry.", FaultKind.Edited, "UPDATE entries SET body = replace(CAST(body AS TEXT), 'success', 'refused') WHERE seq = 7"),
        Sql("delete-entry", "Removes one entry from the middle.", FaultKind.Deleted, "DELETE FROM entries WHERE seq = 7"),
        Sql("swap-entries", "Exchanges two entries.", FaultKind.Reordered,
            "UPDATE entries SET seq = -7 WHERE seq = 7; UPDATE entries SET seq = 7 WHERE seq = 9; UPDATE entries SET seq = 9 WHERE seq = -7"),
        Sql("truncate-log", "Cuts off the last five entries.", FaultKind.Truncated, "DELETE FROM entries WHERE seq > (SELECT max(seq) - 5 FROM entries)"),
        Sql("repeat-entry", "Adds the last entry once more, to make something look as if it happened twice.", FaultKind.Duplicated,
            "INSERT INTO entries(seq, body, prev, mac) SELECT seq + 1, body, prev, mac FROM entries ORDER BY seq DESC LIMIT 1"),
        Sql("edit-checkpoint", "Changes the text of a signed checkpoint.", FaultKind.CheckpointEdited, "UPDATE checkpoints SET note = replace(note, 'signet', 'signed') WHERE number = (SELECT min(number) FROM checkpoints)"),
        Of("roll-back-log", "Puts back an older copy of the whole log, perfect in itself.", "outside-checkpoint", FaultKind.RolledBack, (bench, _, _) => Task.FromResult(bench.NewCopy(old: true))),
        Of("fork-log", "Puts back an older copy and writes another history on top, with the log's own keys.", "outside-checkpoint", FaultKind.Forked, async (bench, lab, cancellationToken) =>
        {
            var copy = bench.NewCopy(old: true);
            await LogBench.ContinueAsync(copy, "another history", lab.Time, lab.Secrets, cancellationToken);
            return copy;
        }),
        Of("replace-log", "Replaces the log by one of its own making, keys and all.", "pinned-log-keys", FaultKind.WrongKey, async (bench, lab, cancellationToken) =>
        {
            var folder = bench.EmptyFolder();
            await LogBench.ContinueAsync(folder, "invented", lab.Time, lab.Secrets, cancellationToken);
            return folder;
        }),
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        new("log-verification", AttackLayer.Log, "Entries are chained, keyed and under a signed Merkle tree; the verifier names the first that is wrong.", ["IEC CR 3.9", "IEC CR 2.8", "IEC CR 6.1", "IEC CR 2.12", "ETSI 5.7"], "a reader that reads and does not verify"),
        new("outside-checkpoint", AttackLayer.Log, "Checkpoints are known outside: devices and witnesses keep the latest they saw.", ["IEC CR 3.9"], "a verifier that knows no checkpoint from elsewhere"),
        new("pinned-log-keys", AttackLayer.Log, "The auditor pins the key that signs checkpoints.", ["IEC CR 3.9", "IEC CR 1.9"], "a verifier that believes the key beside the log"),
    ];

    private static Attack Sql(string name, string says, FaultKind fault, string sql) => Of(name, says, "log-verification", fault, (bench, _, _) =>
    {
        var copy = bench.NewCopy();
        LogBench.Execute(copy, sql);
        return Task.FromResult(copy);
    });

    private static Attack Of(string name, string says, string control, FaultKind fault, Func<LogBench, LabContext, CancellationToken, Task<string>> attack) => new()
    {
        Name = name, Layer = AttackLayer.Log, Says = says, Control = control, Reason = fault.ToString(), Techniques = Erase,
        WhyNotOpen = "the open house keeps no record",
        Secure = async (lab, without, cancellationToken) =>
        {
            var bench = await lab.LogAsync(cancellationToken);
            var directory = await attack(bench, lab, cancellationToken);
            using var gone = new Copy(directory);
            if (without == "log-verification") return Strike.Succeeded($"{LogBench.Count(directory)} entries are shown, and nothing is noticed");
            var verdict = AuditOffline.Verify(directory, without == "pinned-log-keys" ? null : bench.Trust, known: control == "pinned-log-keys" || without == "outside-checkpoint" ? null : [bench.LastNote], cancellationToken: cancellationToken);
            return verdict.Fault is { } found ? Strike.Blocked(found.Kind.ToString()) : Strike.Succeeded("the log verifies as intact");
        },
    };

    /// <summary>Removed after its attack: a soak makes thousands.</summary>
    private sealed record Copy(string Directory) : IDisposable
    {
        public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
    }
}
