using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Proof;

namespace Signet.Audit.Tests;

public sealed class ExportSpecs : IAsyncLifetime
{
    private readonly AuditHome _home = new();
    private IReadOnlyList<CheckpointKey> _trust = null!;
    private byte[] _range = [], _selection = [];

    public async ValueTask InitializeAsync()
    {
        await _home.FillAsync(600, checkpointEvery: 90);
        await using var log = await _home.OpenAsync();
        CheckpointKey.TryReadPem(log.TrustPem, out var trust, out _).ShouldBeTrue();
        _trust = trust!;
        using var range = new MemoryStream();
        (await log.ExportAsync(range)).ShouldBe(600);
        using var selection = new MemoryStream();
        (await log.ExportAsync(selection, new AuditFilter { Reason = "replayed", Subject = "device-5" })).ShouldBeGreaterThan(5);
        (_range, _selection) = (range.ToArray(), selection.ToArray());
    }

    public ValueTask DisposeAsync()
    {
        _home.Dispose();
        return ValueTask.CompletedTask;
    }

    private AuditVerdict Verify(byte[] export, byte[]? firstKey = null) => ExportVerification.Verify(new MemoryStream(export), _trust, firstKey);

    private static List<string> Lines(byte[] export) => [.. Encoding.UTF8.GetString(export).Split('\n')[..^1]];

    private static byte[] Bytes(IEnumerable<string> lines) => Encoding.UTF8.GetBytes(string.Concat(lines.Select(l => l + "\n")));

    [Fact]
    public void An_export_verifies_with_the_public_key_and_with_the_first_hmac_key()
    {
        Verify(_range).Summary.ShouldBe("intact: 600 entries, 7 signed checkpoints");
        Verify(_range, _home.FirstKey).IsIntact.ShouldBeTrue();
        Verify(_selection).IsIntact.ShouldBeTrue();
        Verify(_range, new byte[32]).Fault!.First.ShouldBe(1);
    }

    [Fact]
    public void Every_changed_line_of_an_export_is_found()
    {
        var lines = Lines(_range);
        var place = lines.FindIndex(l => l.EndsWith("\"seq\":300}", StringComparison.Ordinal));
        Check("edited", l => l[place] = l[place].Replace("success", "succesz", StringComparison.Ordinal).Replace("refused", "refuzed", StringComparison.Ordinal), FaultKind.Edited, 300);
        Check("deleted", l => l.RemoveAt(place), FaultKind.Deleted, 300);
        Check("doubled", l => l.Insert(place, l[place]), FaultKind.Duplicated, 300);
        Check("swapped", l => (l[place], l[place + 1]) = (l[place + 1], l[place]), FaultKind.Reordered, 300);
        Check("cut off", l => l.RemoveRange(place + 1, l.Count - place - 1), FaultKind.Truncated, 271);
        Check("last checkpoint cut off", l => l.RemoveAt(l.Count - 1), FaultKind.Truncated, 541);
        Check("garbage", l => l.Insert(place, "{\"body\":garbage"), FaultKind.Unreadable, 300);

        void Check(string what, Action<List<string>> change, FaultKind kind, long entry)
        {
            var copy = lines.ToList();
            change(copy);
            var fault = Verify(Bytes(copy)).Fault;
            fault.ShouldNotBeNull(what);
            (fault.Kind, fault.First).ShouldBe((kind, entry), what + ": " + fault);
        }
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void A_line_has_its_members_in_their_order_and_nothing_else()
    {
        var (range, selection) = (Lines(_range), Lines(_selection));
        var place = range.FindIndex(l => l.EndsWith("\"seq\":300}", StringComparison.Ordinal));
        foreach (var tail in new[] { "\"seq\":300,\"zeta\":1}", "\"seq\":0300}", "\"seq\":+300}", "\"seq\":-300}", "\"seq\":300.0}", "\"seq\":300}}", "\"seq\":300 }", "\"seq\":}", "\"seq\":99999999999999999999}", "\"seq\":300,\"mac\":\"\"}" })
            Range(l => l.Replace("\"seq\":300}", tail, StringComparison.Ordinal));
        Range(l => l.Replace("\",\"seq\"", "\",\"proof\":[,\"seq\"", StringComparison.Ordinal));
        Range(l => l.Replace("\",\"seq\"", "=\",\"seq\"", StringComparison.Ordinal));
        foreach (var (old, other) in new[] { ("\"proof\":[\"", "\"proof\":[\"\",\""), ("\"],\"seq\"", "\",],\"seq\""), ("\"],\"seq\"", "\",\"seq\""), ("\"proof\":[\"", "\"prooF\":[\"") })
        {
            var fault = Verify(Bytes(selection.Select((l, i) => i == 2 ? l.Replace(old, other, StringComparison.Ordinal) : l))).Fault.ShouldNotBeNull(other);
            fault.ToString().ShouldContain("a line cannot be read", customMessage: other);
        }

        void Range(Func<string, string> change)
        {
            var changed = change(range[place]);
            changed.ShouldNotBe(range[place]);
            var fault = Verify(Bytes(range.Select((l, i) => i == place ? changed : l))).Fault.ShouldNotBeNull(changed[^40..]);
            (fault.Kind, fault.First).ShouldBe((FaultKind.Unreadable, 300), changed[^40..] + ": " + fault);
        }
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void Every_bit_behind_an_entrys_body_counts()
    {
        var text = Encoding.UTF8.GetString(_range);
        var end = text.IndexOf("\"seq\":200}\n", StringComparison.Ordinal) + "\"seq\":200}\n".Length;   // ASCII up to here
        var begin = text.LastIndexOf("},\"mac\":\"", end, StringComparison.Ordinal);
        var copy = (byte[])_range.Clone();
        for (var bit = begin * 8; bit < end * 8; bit++)
        {
            copy[bit / 8] ^= (byte)(1 << (bit % 8));
            Verify(copy).IsIntact.ShouldBeFalse($"bit {bit - begin * 8} behind the body");
            copy[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Verify(copy).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public void A_changed_selection_is_found()
    {
        var lines = Lines(_selection);
        Verify(Bytes(lines.Select((l, i) => i == 2 ? l.Replace("command-sent", "command-semt", StringComparison.Ordinal) : l))).Fault!.Kind.ShouldBe(FaultKind.Edited);
        Verify(Bytes(lines.Where((_, i) => i != 2))).Fault!.Kind.ShouldBe(FaultKind.Truncated);
        Verify(Bytes([.. lines.Take(3), lines[2], .. lines.Skip(3)])).Fault!.Kind.ShouldBe(FaultKind.Duplicated);
    }

    [Fact]
    public void No_bytes_make_the_verification_throw()
    {
        var random = new Random(3);
        for (var i = 0; i < 300; i++)
        {
            var copy = (byte[])(i % 2 == 0 ? _selection : _range).Clone();
            for (var flips = 0; flips < 3; flips++) copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));
            Verify(copy).IsIntact.ShouldBeFalse();
        }
        Verify([]).Fault!.Kind.ShouldBe(FaultKind.Unreadable);
        Verify("\n\n\n"u8.ToArray()).Fault!.Kind.ShouldBe(FaultKind.Unreadable);
    }

    [Fact, Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]   // it opens audit.db itself
    public async Task The_independent_verifier_agrees_on_good_and_bad_logs()
    {
        (await PythonAsync(_home.Folder)).ShouldBe((true, 0));
        var export = Path.Combine(_home.Folder, "export.ndjson");
        var trust = Path.Combine(_home.Folder, "checkpoint.pub");
        var key = Path.Combine(_home.Folder, "exported.key");
        AuditFirstKey.Write(key, _home.FirstKey);
        await CheckExportAsync(_range, true, 0);
        await CheckExportAsync(_selection, true, 0);
        var lines = Lines(_range);
        var place = lines.FindIndex(l => l.EndsWith("\"seq\":300}", StringComparison.Ordinal));
        await CheckExportAsync(Bytes(lines.Where((_, i) => i != place)), false, 300);
        await CheckExportAsync(Bytes(lines.Select((l, i) => i == place ? l.Replace("command-sent", "command-semt", StringComparison.Ordinal) : l)), false, 300, "--hmac-key", key);
        var selected = Lines(_selection);
        await CheckExportAsync(Bytes(selected.Select((l, i) => i == 2 ? l.Replace("command-sent", "command-semt", StringComparison.Ordinal) : l)), false, JsonNode.Parse(selected[2])!["seq"]!.GetValue<long>());

        foreach (var (sql, entry) in new[] { ("DELETE FROM entries WHERE seq = 77", 77L), ("UPDATE entries SET prev = zeroblob(32) WHERE seq = 78", 78L), ("DELETE FROM entries WHERE seq > 590", 591L) })
        {
            using var copy = _home.Copy();
            copy.Execute(sql);
            (await PythonAsync(copy.Folder)).ShouldBe((false, entry), sql);
            copy.Verify().Fault!.First.ShouldBe(entry, sql);
        }

        async Task CheckExportAsync(byte[] bytes, bool isIntact, long entry, params string[] more)
        {
            File.WriteAllBytes(export, bytes);
            (await PythonAsync(["--file", export, "--trust", trust, .. more])).ShouldBe((isIntact, entry));
        }
    }

    [Fact]
    public void Csv_cells_never_become_formulas_and_syslog_stays_one_line()
    {
        var entry = new AuditEntry(7, DateTimeOffset.UnixEpoch, "auth_fail", "=cmd|'/c calc'!A0", "+1", "sign\r\nin", "@x", "a\"]\\b", [], default, []);
        TextExport.CsvLine(entry).ShouldBe("7,1970-01-01T00:00:00.000000Z,auth_fail,\"'=cmd|'/c calc'!A0\",\"'+1\",\"sign\r\nin\",\"'@x\",\"a\"\"]\\b\",{}\r\n");
        var line = TextExport.SyslogLine(entry, "center.example");
        line.ShouldStartWith("<108>1 1970-01-01T00:00:00.000000Z center.example signet - auth_fail [entry@32473 seq=\"7\"");
        line.ShouldContain("reason=\"a\\\"\\]\\\\b\"");
        line.ShouldNotContain("\n");
    }

    internal static async Task<(bool IsIntact, long Entry)> PythonAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Script());
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var python = Process.Start(start)!;
        var (output, errors) = (await python.StandardOutput.ReadToEndAsync(), await python.StandardError.ReadToEndAsync());
        await python.WaitForExitAsync();
        python.ExitCode.ShouldBeOneOf([0, 4], output + errors);
        var result = JsonNode.Parse(output)!;
        return (result["intact"]!.GetValue<bool>(), result["entry"]?.GetValue<long>() ?? 0);
    }

    // tests/verify_log.py, found from this file's place in the repository.
    private static string Script([System.Runtime.CompilerServices.CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(here))!, "verify_log.py");
}
