using System.Collections.Frozen;

namespace Signet.Access.Tests;

/// <summary>Whole policies over a small world: no subscription lets a message through that publishing rules of the same shape would not.</summary>
[Trait("row", "S0-8")]
public sealed class PolicyPropertySpecs
{
    private static readonly string[] Topics = [.. World(["a", "b", "me", "$x"], 3)];

    /// <summary>Decision by decision against the definition: the first rule that matches the topic.</summary>
    [Fact]
    public void A_topic_is_decided_by_the_first_rule_that_matches_it()
    {
        var random = new Random(7);
        for (var i = 0; i < 2_000; i++)
        {
            var rules = Enumerable.Range(0, random.Next(1, 6)).Select(n => Draw(random, n)).ToList();
            var policy = new AccessPolicy(i, rules);
            var asker = Principal.Device("me", "g");
            foreach (var topic in Topics)
            {
                var first = rules.FirstOrDefault(r => r.Who.Include(asker) && r.Topics.Any(t => t.Matches(topic, asker)));
                policy.Decide(asker, TopicAction.Deliver, topic).ShouldBe(new Decision(first?.Effect == Effect.Allow, first?.Name ?? Decision.NoRule, i));
            }
        }
    }

    /// <summary>Soundness over 20,000 random policies and filters: an allowed subscription holds no topic that would be denied on delivery.</summary>
    [Fact]
    public void An_allowed_subscription_never_holds_a_denied_topic()
    {
        var random = new Random(11);
        var allowed = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var policy = new AccessPolicy(1, Enumerable.Range(0, random.Next(1, 5)).Select(n => Draw(random, n)));
            var asker = Principal.Device("me", "g");
            var filter = DrawText(random, ["a", "b", "me", "$x", "+"]);
            if (!policy.Decide(asker, TopicAction.Subscribe, filter).Allowed) continue;
            allowed++;
            TopicPattern.TryParse(filter, out var pattern, out _).ShouldBeTrue();
            foreach (var topic in Topics.Where(t => pattern!.Matches(t, asker)))
            {
                policy.Decide(asker, TopicAction.Deliver, topic).Allowed.ShouldBeTrue($"{filter} holds {topic}");
            }
        }

        allowed.ShouldBeGreaterThan(1_000);
    }

    private static PolicyRule Draw(Random random, int number)
    {
        var who = random.Next(4) switch { 0 => Subjects.InGroup("other"), 1 => Subjects.Devices, 2 => Subjects.InGroup("g", "h"), _ => Subjects.Everybody };
        var topics = Enumerable.Range(0, random.Next(1, 3)).Select(_ => DrawText(random, ["a", "b", "$x", "+", "{name}"]))
            .Select(t => TopicPattern.TryParse(t, out var pattern, out _) ? pattern : null).OfType<TopicPattern>();
        return new($"rule-{number}", random.Next(3) == 0 ? Effect.Deny : Effect.Allow, who, new[] { TopicAction.Subscribe, TopicAction.Deliver }.ToFrozenSet(), [.. topics]);
    }

    private static string DrawText(Random random, string[] words)
    {
        var levels = Enumerable.Range(0, random.Next(1, 4)).Select(_ => words[random.Next(words.Length)]).ToList();
        if (random.Next(3) == 0) levels[^1] = "#";
        return string.Join('/', levels);
    }

    private static IEnumerable<string> World(string[] words, int most)
    {
        IEnumerable<string> all = words;
        for (var i = 1; ; i++)
        {
            foreach (var topic in all) yield return topic;
            if (i == most) yield break;
            all = all.SelectMany(t => words.Select(w => t + "/" + w)).ToArray();
        }
    }
}
