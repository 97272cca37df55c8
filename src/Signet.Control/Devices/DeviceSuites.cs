using Signet.Wire;

namespace Signet.Control;

/// <summary>The suites of one device's messages.</summary>
/// <param name="Device">Its name.</param>
/// <param name="Commands">What the center signs its commands in.</param>
/// <param name="Messages">What it signs receipts, readings and status in.</param>
/// <param name="Sealing">What its commands are sealed in; null: they travel readable.</param>
/// <param name="Granted">What its manifest takes, with the end of each where there is one; null: it has no manifest.</param>
public sealed record DeviceSuites(string Device, string Commands, string Messages, string? Sealing, IReadOnlyDictionary<string, DateTimeOffset?>? Granted)
{
    /// <summary>Every suite a device's messages can be in: an empty answer about another name would read as "nobody uses it any more".</summary>
    public static IReadOnlyList<string> Known { get; } = [.. Suite.All.Select(suite => suite.Name), SealingSuite.RsaOaep256.Name, SealingSuite.EcdhEs.Name];

    /// <summary>Is any of its messages in the suite?</summary>
    public bool Uses(string suite) => Commands == suite || Messages == suite || Sealing == suite;
}
