using System.Globalization;
using System.Text;

namespace Signet.Access;

/// <summary>Somebody whom a broker lets in by certificate.</summary>
/// <param name="Principal">Who.</param>
/// <param name="User">What the broker is to call them: one name for one principal.</param>
/// <param name="Thumbprints">SHA-256 of each certificate that is good for them, 64 lower-case hexadecimal digits.</param>
public sealed record AdmittedPrincipal(Principal Principal, string User, IReadOnlyList<string> Thumbprints);

/// <summary>
/// The policy and everybody it is asked about, as the plugin for Mosquitto reads them (docs/spec/mosquitto-rules.md). Nothing is lost on the way: the plugin's answers are those of
/// <see cref="AccessPolicy.Decide"/>.
/// </summary>
public static class MosquittoRules
{
    /// <summary>Longest mark of a file.</summary>
    public const int MarkCharacters = 39;

    /// <param name="mark">Tells this file from every other; the plugin says it when the file is in force. Not part of the content: see <see cref="Content"/>.</param>
    public static string Write(string mark, string content)
    {
        if (mark.Length is 0 or > MarkCharacters || !mark.All(char.IsAsciiLetterOrDigit)) throw new ArgumentException("letters and digits", nameof(mark));
        var bar = content.IndexOf('\n', StringComparison.Ordinal);
        var lines = content.AsSpan(bar + 1).Count('\n') + 2; // with the first and the last
        return string.Create(CultureInfo.InvariantCulture, $"signet-rules-1\t{mark}\t{content[..bar]}\n{content[(bar + 1)..]}end\t{lines}\n");
    }

    /// <summary>What the file says, without its mark: two that are equal need no new file.</summary>
    /// <param name="admitted">Somebody whose name cannot stand in the file (a tab, a line break), or who shares a certificate or a user name with another, is left out: not admitted.</param>
    /// <param name="closing">User names whose sessions are to be closed once.</param>
    public static string Content(AccessPolicy policy, IEnumerable<AdmittedPrincipal> admitted, IEnumerable<string> closing)
    {
        var file = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{policy.Version}\n");
        // A rule with several topics is several lines of one effect, one after the other: the first that decides is the same.
        var firsts = new List<int>(policy.Rules.Count);
        var lines = 0;
        foreach (var rule in policy.Rules)
        {
            firsts.Add(lines);
            var actions = rule.Actions.Aggregate(0, (mask, action) => mask | 1 << (int)action);
            foreach (var topic in Standing(rule))
            {
                file.Append(CultureInfo.InvariantCulture, $"r\t{(rule.Effect == Effect.Allow ? 'a' : 'd')}\t{actions}\t{topic.Text}\n");
                lines++;
            }
        }

        var everybody = admitted.Where(a => a.Thumbprints.Count > 0 && CanStand(a.Principal.Name) && CanStand(a.User)).ToList();
        var shared = everybody.SelectMany(a => a.Thumbprints.Select(t => t).Append(a.User)).GroupBy(t => t, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var one in everybody.OrderBy(a => a.User, StringComparer.Ordinal))
        {
            if (shared.Contains(one.User) || one.Thumbprints.Any(shared.Contains)) continue;
            file.Append('p').Append('\t').Append(Letter(one.Principal.Kind)).Append('\t').Append(one.Principal.Name).Append('\t').Append(one.User).Append('\t');
            foreach (var thumbprint in one.Thumbprints) file.Append(thumbprint);
            file.Append('\t');
            var first = true;
            for (var i = 0; i < policy.Rules.Count; i++)
            {
                if (!policy.Rules[i].Who.Include(one.Principal)) continue;
                for (var t = 0; t < Standing(policy.Rules[i]).Count(); t++)
                {
                    if (!first) file.Append(',');
                    file.Append(firsts[i] + t);
                    first = false;
                }
            }

            file.Append('\n');
        }

        foreach (var user in closing.Where(CanStand)) file.Append("k\t").Append(user).Append('\n');
        return file.ToString();
    }

    // No topic on the wire holds control characters: Mosquitto refuses them, so such a pattern matches nothing there.
    private static IEnumerable<TopicPattern> Standing(PolicyRule rule) => rule.Topics.Where(t => CanStand(t.Text));

    private static char Letter(PrincipalKind kind) => kind switch { PrincipalKind.Device => 'd', PrincipalKind.Person => 'p', _ => 's' };

    private static bool CanStand(string text) => text.Length > 0 && !text.Any(char.IsControl);
}
