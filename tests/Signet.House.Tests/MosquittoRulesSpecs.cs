using System.Globalization;
using System.Text;
using Signet.Access;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>The plugin for Mosquitto decides in C what <see cref="AccessPolicy"/> decides: the same question has the same answer, and a file that is not whole admits nobody.</summary>
public sealed class MosquittoRulesSpecs : IDisposable
{
    private static readonly string[] Names = ["a", "b", "a-b", "a-b-c", "$SYS", "+", "#", "ä", "a/b", "%u", "long-name.of_a.device"];
    private static readonly string[] Levels = ["a", "b", "x", "", "+", "#", "$SYS", "{name}", "{device}", "{user}", "ä", "a-b"];
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-rules-").FullName;

    [Fact]
    [Trait("row", "S0-8"), Trait("row", "S1-5")]
    public async Task A_hundred_thousand_questions_have_the_same_answer_in_the_plugin_and_in_the_center()
    {
        var random = new Random(8);
        var (asked, allowed) = (0, 0);
        for (var round = 0; round < 20; round++)
        {
            var policy = new AccessPolicy(round + 1, Enumerable.Range(0, 1 + random.Next(12)).Select(i => Rule(random, i)).ToList());
            var admitted = Names.SelectMany((name, i) => new[] { Principal.Device(name, Groups(random)), Principal.Person(name, Role.Operator, Groups(random)) }
                .Select((p, kind) => new AdmittedPrincipal(p, kind == 0 ? name : "person:" + name, [((i * 2) + kind + 1).ToString("x64", CultureInfo.InvariantCulture)]))).ToList();
            var (questions, expected) = (new StringBuilder(), new StringBuilder());
            for (var i = 0; i < 5_000;)
            {
                var who = admitted[random.Next(admitted.Count)];
                var action = (TopicAction)(1 + random.Next(5));
                var topic = random.Next(20) == 0 ? "a+/b" : Topic(random, action == TopicAction.Subscribe);
                if (topic.Length == 0) continue;
                var yes = policy.Decide(who.Principal, action, topic).Allowed;
                questions.Append(CultureInfo.InvariantCulture, $"{(int)action}\t{who.User}\t{topic}\n");
                expected.Append(yes ? "1\n" : "0\n");
                asked++;
                i++;
                if (yes) allowed++;
            }

            (await AskAsync(MosquittoRules.Write("round" + round, MosquittoRules.Content(policy, admitted, [])), questions.ToString())).ShouldBe(expected.ToString());
        }

        asked.ShouldBe(100_000);
        allowed.ShouldBeInRange(asked / 100, asked / 2, "both answers must have been asked for");
    }

    [Fact]
    public async Task A_file_that_is_cut_short_or_altered_admits_nobody()
    {
        var whole = MosquittoRules.Write("mark", MosquittoRules.Content(AccessPolicy.Default, [new(Principal.Device("a"), "a", [new string('1', 64)])], []));
        const string Question = "1\ta\tsignet/a/receipt\n";
        (await AskAsync(whole, Question)).ShouldBe("1\n");
        for (var cut = 0; cut < whole.Length; cut += 7) (await AskAsync(whole[..cut], Question)).ShouldBe("no rules\n", $"cut at {cut}");
        foreach (var broken in new[] { whole + "x\n", whole.Replace("end\t", "end\t1", StringComparison.Ordinal), whole.Replace("r\ta\t", "r\tz\t", StringComparison.Ordinal), whole.Replace("\tsignet/{device}/receipt", "\tsignet/{devil}/receipt", StringComparison.Ordinal), whole.Replace("p\td\t", "p\tx\t", StringComparison.Ordinal), whole.Replace("signet-rules-1", "signet-rules-2", StringComparison.Ordinal), "\n", whole.Replace('a', '\0') })
            (await AskAsync(broken, Question)).ShouldBe("no rules\n", broken);
    }

    [Fact]
    public async Task A_session_belongs_to_the_longest_name_that_fits()
    {
        var rules = MosquittoRules.Write("mark", MosquittoRules.Content(AccessPolicy.Default, Names.Take(4).Select((name, i) => new AdmittedPrincipal(Principal.Device(name), name, [(i + 1).ToString("x64", CultureInfo.InvariantCulture)])).ToList(), []));
        foreach (var (user, client, own) in new[] { ("a", "a", true), ("a", "a-reader", true), ("a", "a-b", false), ("a", "a-b-reader", false), ("a-b", "a-b-reader", true), ("a-b", "a-b-c", false), ("a", "ab", false), ("b", "a-b", false), ("a", "", false) })
            (await AskAsync(rules, $"c\t{user}\t{client}\n")).ShouldBe(own ? "1\n" : "0\n", $"{user} {client}");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<string> AskAsync(string rules, string questions)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "rules"), rules);
        await File.WriteAllTextAsync(Path.Combine(_folder, "questions"), questions);
        var asked = await Peer.RunAsync("bash", ["-c", $"'{await MosquittoPlugin.FolderAsync()}/signet-ask' '{_folder}/rules' < '{_folder}/questions' > '{_folder}/answers'"]);
        asked.Error.ShouldBeEmpty();
        return await File.ReadAllTextAsync(Path.Combine(_folder, "answers"));
    }

    private static PolicyRule Rule(Random random, int number)
    {
        var who = random.Next(4) switch
        {
            0 => Subjects.Everybody,
            1 => Subjects.Devices,
            2 => Subjects.InGroup("even", "operators"),
            _ => new Subjects(Names: new HashSet<string> { Names[random.Next(Names.Length)], Names[random.Next(Names.Length)] }),
        };
        var actions = Enumerable.Range(1, 5).Select(a => (TopicAction)a).Where(_ => random.Next(2) == 0).Append(TopicAction.Publish).ToHashSet();
        var topics = new List<TopicPattern>();
        while (topics.Count == 0 || random.Next(3) == 0)
            if (TopicPattern.TryParse(Topic(random, wild: true, placeholders: true), out var pattern, out _)) topics.Add(pattern);
        return new($"r{number}", random.Next(3) == 0 ? Effect.Deny : Effect.Allow, who, actions, topics);
    }

    private static string[] Groups(Random random) => random.Next(2) == 0 ? ["even"] : [];

    private static string Topic(Random random, bool wild, bool placeholders = false)
    {
        var levels = Enumerable.Range(0, 1 + random.Next(4)).Select(_ => Levels[random.Next(Levels.Length)]).Where(l => (wild || l is not ("+" or "#")) && (placeholders || !l.StartsWith('{'))).ToList();
        if (random.Next(6) == 0) levels.Add(Names[random.Next(4)]);
        return string.Join('/', levels);
    }
}
