using System.Globalization;

namespace Signet.Wire.Tests;

/// <summary>The specification is true: its sample, its numbers and its table are those of the code.</summary>
public sealed class SpecificationSpecs
{
    private static readonly string Messages = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "spec", "messages.md"));
    private static readonly string Replay = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "spec", "replay.md"));

    [Fact]
    public void Its_sample_is_a_vector() =>
        Messages.ShouldContain(((string)VectorFile.Open("command")["HS256"]["message"]!).Replace(".", ".\n", StringComparison.Ordinal));

    [Fact]
    public void It_states_every_limit()
    {
        foreach (var limit in new[]
        {
            WireLimits.MessageBytes, WireLimits.HeaderBytes, WireLimits.SealedHeaderBytes, WireLimits.JsonDepth, WireLimits.JsonItems, WireLimits.KeyIdCharacters, WireLimits.PersonCharacters, WireLimits.UnitCharacters,
            WireLimits.TextValueCharacters, WireLimits.Approvals, WireLimits.ApprovalCharacters, WireLimits.ProposalDevices, WireLimits.EvidenceCertificates, WireLimits.EvidenceSessions, WireLimits.ManifestEntries, WireLimits.HeartbeatSeconds, WireLimits.CertificateCharacters, WireLimits.ProposalLifetime.TotalSeconds, WireLimits.TopicCharacters, WireLimits.CommandLifetime.TotalSeconds, WireLimits.MaximumAge.TotalSeconds, WireLimits.MaximumSkew.TotalSeconds,
        })
            Messages.ShouldContain($"**{limit.ToString("N0", CultureInfo.InvariantCulture)}**");
        Messages.ShouldContain($"{WireLimits.RsaBitsLeast} to {WireLimits.RsaBitsMost} bits");
        Messages.ShouldContain($"{WireLimits.HmacKeyBytesLeast} to {WireLimits.HmacKeyBytesMost} random bytes");
        Messages.ShouldContain($"0 to {WireLimits.UnixSeconds}");
        Replay.ShouldContain($"**{WireLimits.ReplayWindow.ToString("N0", CultureInfo.InvariantCulture)}**");
        Replay.ShouldContain($"**{WireLimits.StartsApart.ToString("N0", CultureInfo.InvariantCulture)}**");
    }

    [Fact]
    public void It_lists_every_refusal()
    {
        foreach (var info in RejectReasons.All) Messages.ShouldContain($"| {(int)info.Reason} | `{info.Name}` | {info.Title} |");
    }
}
