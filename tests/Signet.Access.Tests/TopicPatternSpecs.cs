using System.Text.RegularExpressions;

namespace Signet.Access.Tests;

/// <summary>Patterns against topics and filters, example by example and against brute force over a small world.</summary>
[Trait("row", "S0-8")]
public sealed class TopicPatternSpecs
{
    private static readonly Principal Door = Principal.Device("door-1");

    [Theory]
    [InlineData("a/b", "a/b", true)]
    [InlineData("a/b", "a/B", false)]
    [InlineData("a/+", "a/b", true)]
    [InlineData("a/+", "a/", true)]
    [InlineData("a/+", "a", false)]
    [InlineData("a/+", "a/b/c", false)]
    [InlineData("a/#", "a", true)]
    [InlineData("a/#", "a/b/c", true)]
    [InlineData("a/#", "ab", false)]
    [InlineData("#", "x", true)]
    [InlineData("#", "$SYS/x", false)]
    [InlineData("+/x", "$SYS/x", false)]
    [InlineData("$SYS/#", "$SYS/x", true)]
    [InlineData("signet/{device}/status", "signet/door-1/status", true)]
    [InlineData("signet/{device}/status", "signet/door-2/status", false)]
    [InlineData("signet/{user}/status", "signet/door-1/status", false)]
    public void A_pattern_matches_topics_as_MQTT_says(string pattern, string topic, bool matches) => Pattern(pattern).Matches(topic, Door).ShouldBe(matches);

    [Theory]
    [InlineData("a/#", "a/#", true)]
    [InlineData("a/#", "a", true)]
    [InlineData("a/#", "a/+/c", true)]
    [InlineData("a/+", "a/#", false)]
    [InlineData("a/+", "a/+", true)]
    [InlineData("a/+", "a/b", true)]
    [InlineData("a/b", "a/+", false)]
    [InlineData("#", "#", true)]
    [InlineData("+/#", "#", true)]
    [InlineData("#", "$SYS/#", false)]
    [InlineData("signet/{device}/command", "signet/door-1/command", true)]
    [InlineData("signet/{device}/command", "signet/+/command", false)]
    [InlineData("signet/{device}/command", "signet/#", false)]
    public void A_pattern_covers_a_filter_when_it_matches_everything_the_filter_could(string pattern, string filter, bool covers) => Pattern(pattern).Covers(filter, Door).ShouldBe(covers);

    [Theory]
    [InlineData("+")]
    [InlineData("#")]
    [InlineData("a/b")]
    [InlineData("/")]
    [InlineData("")]
    [InlineData("$SYS")]
    [InlineData("+/+")]
    [InlineData("a\0")]
    public void A_name_that_means_something_in_a_topic_never_widens_a_rule(string name)
    {
        var asker = new Principal(name, PrincipalKind.Device, new HashSet<string>());
        foreach (var pattern in (string[])["{device}/#", "signet/{device}/status", "signet/{name}", "{name}"])
        {
            foreach (var text in (string[])["#", "+", "+/#", "signet/#", "signet/+", "signet/+/status", $"signet/{name}/status", $"signet/{name}", name, "signet//status", "$SYS/x", "$SYS/#", "a/b/x"])
            {
                Pattern(pattern).Covers(text, asker).ShouldBeFalse($"{pattern} covers {text}");
                if (TopicText.IsTopic(text)) Pattern(pattern).Matches(text, asker).ShouldBeFalse($"{pattern} matches {text}");
            }
        }
    }

    [Fact]
    public void A_percent_sign_in_a_name_is_a_letter_like_any_other()
    {
        var asker = Principal.Device("%u");
        Pattern("signet/{device}/status").Matches("signet/%u/status", asker).ShouldBeTrue();
        Pattern("signet/%u/status").Matches("signet/door-1/status", Door).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/#/b")]
    [InlineData("a+")]
    [InlineData("a/b#")]
    [InlineData("a/{x}")]
    [InlineData("a/x{device}")]
    [InlineData("a/{device}}")]
    [InlineData("$share/g/a")]
    [InlineData("a\0b")]
    public void What_is_no_pattern_is_refused_with_a_reason(string text)
    {
        TopicPattern.TryParse(text, out _, out var why).ShouldBeFalse();
        why.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("$share/group/a/b", "a/b")]
    [InlineData("$share/group/#", "#")]
    [InlineData("a/b", "a/b")]
    [InlineData("$share/group/$share/x", "$share/x")]
    public void A_shared_subscription_is_judged_by_its_filter(string filter, string unshared)
    {
        TopicText.TryUnshare(filter, out var rest).ShouldBeTrue();
        rest.ToString().ShouldBe(unshared);
    }

    [Theory]
    [InlineData("$share")]
    [InlineData("$share/")]
    [InlineData("$share/group")]
    [InlineData("$share//a")]
    [InlineData("$share/+/a")]
    [InlineData("$share/g#/a")]
    public void A_malformed_share_is_none(string filter) => TopicText.TryUnshare(filter, out _).ShouldBeFalse();

    /// <summary>Every topic of up to four levels over a small alphabet; the oracle is a regular expression, written without the code under test.</summary>
    [Fact]
    public void A_hundred_thousand_pairs_agree_with_brute_force()
    {
        var random = new Random(20261120);
        string[] words = ["a", "b", "", "$x", "me"];
        string[] patternWords = ["a", "b", "", "$x", "+", "{device}", "{name}", "{user}"];
        string[] filterWords = ["a", "b", "", "$x", "me", "+", "+"];
        // One word more than rules and filters know, so that "+" is never the same as "one of the known words".
        var topics = Tuples([.. words, "other"], 4).Select(w => string.Join('/', w)).Where(t => t.Length > 0).ToArray();
        var asker = Principal.Device("me");
        var matched = new Dictionary<string, System.Collections.BitArray>();
        var (covered, overlapped) = (0, 0);
        for (var i = 0; i < 100_000; i++)
        {
            var pattern = Draw(random, patternWords);
            var filter = Draw(random, filterWords);
            if (!TopicPattern.TryParse(pattern, out var parsed, out _) || !TopicText.IsFilter(filter)) continue;
            var byPattern = Matched(pattern.Replace("{device}", "me").Replace("{name}", "me").Replace("{user}", "\u0001"));
            var byFilter = Matched(filter);

            var subset = new System.Collections.BitArray(byFilter).And(new System.Collections.BitArray(byPattern).Not()).Cast<bool>().All(b => !b);
            var common = new System.Collections.BitArray(byFilter).And(byPattern).Cast<bool>().Any(b => b);
            parsed.Covers(filter, asker).ShouldBe(subset, $"{pattern} covers {filter}");
            parsed.Overlaps(filter, asker).ShouldBe(common, $"{pattern} overlaps {filter}");
            covered += subset ? 1 : 0;
            overlapped += common ? 1 : 0;
            var topic = random.Next(topics.Length);
            parsed.Matches(topics[topic], asker).ShouldBe(byPattern[topic], $"{pattern} matches {topics[topic]}");
        }

        covered.ShouldBeGreaterThan(500);
        overlapped.ShouldBeGreaterThan(5_000);

        System.Collections.BitArray Matched(string filter)
        {
            if (matched.TryGetValue(filter, out var known)) return known;
            var oracle = Oracle(filter);
            return matched[filter] = new([.. topics.Select(t => oracle(t))]);
        }
    }

    // MQTT 5.0, section 4.7, as a regular expression; the one rule it cannot say (a wildcard never reaches a "$" topic) is asked beside it.
    private static Predicate<string> Oracle(string filter)
    {
        var text = Regex.Escape(filter).Replace(@"\+", "[^/]*");
        text = text == @"\#" ? ".*" : text.EndsWith(@"/\#", StringComparison.Ordinal) ? text[..^3] + "(/.*)?" : text;
        var expression = new Regex($@"\A{text}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        return topic => expression.IsMatch(topic) && !(topic.StartsWith('$') && (filter[0] is '+' or '#'));
    }

    private static string Draw(Random random, string[] words)
    {
        var levels = Enumerable.Range(0, random.Next(1, 4)).Select(_ => words[random.Next(words.Length)]).ToList();
        if (random.Next(3) == 0) levels[^1] = "#";
        return string.Join('/', levels);
    }

    private static IEnumerable<string[]> Tuples(string[] words, int most)
    {
        IEnumerable<string[]> all = [[]];
        for (var i = 0; i < most; i++)
        {
            all = all.SelectMany(t => words.Select(w => (string[])[.. t, w])).ToArray();
            foreach (var tuple in all) yield return tuple;
        }
    }

    private static TopicPattern Pattern(string text) => TopicPattern.TryParse(text, out var pattern, out var why) ? pattern : throw new InvalidOperationException(why);
}
