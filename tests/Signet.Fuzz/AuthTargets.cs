using System.Text;
using Signet.Web.BrokerAuth;

namespace Signet.Fuzz;

/// <summary>Any bytes as a question of another broker: never throws, and no field is read twice.</summary>
public static class AuthFieldsTarget
{
    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        foreach (var fields in new[] { AuthFields.ReadJson(data), AuthFields.ReadForm(data) })
        {
            if (fields is null) continue;
            foreach (var name in new[] { "username", "topic", "acc", "" })
                if (fields[name] is { } value && Encoding.UTF8.GetByteCount(value) > data.Length * 3) throw new InvalidOperationException("a value longer than what was sent");
        }
    }
}

/// <summary>The target over its seeds and their mutations for SIGNET_FUZZ_SECONDS (default 2).</summary>
public sealed class AuthFuzzSpecs
{
    private static readonly string[] Seeds =
    [
        """{"username":"go|123456","clientid":"c","topic":"metrics/go/#","acc":4}""", """{"username":"a","extra":{"x":[1]},"n":null,"b":true}""",
        "username=go%7C1&clientid=c&topic=metrics%2Fgo%2FHumedad&acc=2", "a=b&c=%41+%2b&&=", "{}", "",
    ];

    [Fact]
    public void The_target_holds_on_its_seeds_and_their_mutations()
    {
        var seeds = Seeds.Select(Encoding.UTF8.GetBytes).ToList();
        AuthFields.ReadJson(seeds[0])!["topic"].ShouldBe("metrics/go/#");
        AuthFields.ReadForm(seeds[2])!["username"].ShouldBe("go|1");
        Mutations.Run(seeds, AuthFieldsTarget.Fuzz);
    }
}
