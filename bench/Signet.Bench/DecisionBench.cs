using System.Diagnostics;
using Signet.Access;

namespace Signet.Bench;

/// <summary>What the broker asks the access policy for each message: 10,000 principals, 20 rules, half allowed by an early rule and half denied after all of them, one thread. Aim: 2,000,000 decisions a second.</summary>
internal static class DecisionBench
{
    public static int Run(Arguments arguments)
    {
        var (principalCount, ruleCount, rounds) = (arguments.Number("principals", 10_000), arguments.Number("rules", 20), arguments.Number("rounds", 7));
        var standard = AccessPolicy.Default.Rules;
        if (ruleCount < standard.Count)
        {
            Console.Error.WriteLine($"--rules takes {standard.Count} (the policy that is built in) or more");
            return 2;
        }

        var policy = new AccessPolicy(1, standard.Concat(Enumerable.Range(0, ruleCount - standard.Count).Select(Extra)));
        var principals = Enumerable.Range(0, principalCount).Select(i => Principal.Device($"device-{i}", $"group-{i % 10}")).ToArray();
        var topics = principals.Select((p, i) => $"signet/{p.Name}{(i % 2 == 0 ? "" : "x")}/telemetry/temperature").ToArray();
        Measure(policy, principals, topics); // warm
        var rates = Enumerable.Range(0, rounds).Select(_ => Measure(policy, principals, topics)).Order().ToList();
        Console.WriteLine($"{principalCount:N0} principals, {policy.Rules.Count} rules, one thread: {rates[rounds / 2] / 1e6:0.00} million decisions/s (median of {rounds}; {rates[0] / 1e6:0.00} to {rates[^1] / 1e6:0.00}; aim 2)");
        return rates[rounds / 2] >= 2e6 ? 0 : 1;
    }

    private static double Measure(AccessPolicy policy, Principal[] principals, string[] topics)
    {
        var (allowed, asked, began) = (0L, 0L, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < 1)
        {
            for (var i = 0; i < principals.Length; i++) allowed += policy.Decide(principals[i], TopicAction.Publish, topics[i]).Allowed ? 1 : 0;
            asked += principals.Length;
        }

        var took = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return allowed == (asked + 1) / 2 ? asked / took : throw new InvalidOperationException($"{allowed} of {asked} were allowed: that is not half");
    }

    private static PolicyRule Extra(int number)
        => new($"extra-{number}", Effect.Allow, Subjects.InGroup($"group-{number}"), new HashSet<TopicAction> { TopicAction.Publish, TopicAction.Subscribe, TopicAction.Deliver },
            [TopicPattern.TryParse($"plant/{number}/{{device}}/+", out var pattern, out _) ? pattern! : throw new InvalidOperationException()]);
}
