using System.Globalization;
using System.Text;
using Signet.Wire;

namespace Signet.Fuzz;

/// <summary>Every target of the message format runs over its seeds, then over mutations of them for SIGNET_FUZZ_SECONDS (default 3) in all. The random seed is printed with a failure.</summary>
public sealed class WireFuzzSpecs
{
    private delegate void Target(ReadOnlySpan<byte> data);

    private static readonly string[] Texts =
    [
        """{"a":[1,-1,0.5,1e-7,1e+21,null,true,"x"],"b":{"c":{}},"d":"€😀\n\"\\"}""",
        """{"args":{},"aud":"thermostat-1","by":{"name":"alice","role":"operator"},"cmd":"read-temperature","epoch":1799999000,"exp":1800000020,"iat":1800000000,"iss":"command_center","jti":"01JQX4S8M0RSTVWXYZ23456789","seq":7,"suite":"signet-hs256-1","topic":"signet/thermostat-1/command"}""",
        """{"approvals":["a.b.c"],"args":{"celsius":21.5},"aud":"thermostat-1","by":{"name":"Zoë","role":"admin"},"cmd":"set-point","epoch":1,"exp":1800000001,"iat":1800000000,"iss":"command_center","jti":"01JQX4S8M0RSTVWXYZ23456789","nonce":"AAECAwQFBgcICQoLDA0ODw","proposal":"01JQX4S8M0RSTVWXYZ23456789","seq":1,"suite":"signet-hs256-1","topic":"signet/thermostat-1/command"}""",
        "{}", "", "..", "....", "e30.e30.e30",
    ];

    [Theory]
    [InlineData("json"), InlineData("message"), InlineData("claims")]
    public void The_target_holds_on_its_seeds_and_their_mutations(string name)
    {
        Target target = name switch { "json" => WireJsonTarget.Fuzz, "message" => WireMessageTarget.Fuzz, _ => WireClaimsTarget.Fuzz };
        var seeds = Texts.Select(Encoding.UTF8.GetBytes).Append(SignedByAStranger()).ToList();
        foreach (var seed in seeds) target(seed);
        var seconds = double.Parse(Environment.GetEnvironmentVariable("SIGNET_FUZZ_SECONDS") ?? "3", CultureInfo.InvariantCulture) / 3;
        var number = Environment.TickCount;
        var random = new Random(number);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            var input = Mutate(seeds, random);
            try
            {
                target(input);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"target {name}, random seed {number}, input {Convert.ToHexString(input)}", e);
            }
        }
    }

    [Fact]
    public void The_seeds_reach_the_inside_of_the_parsers()
    {
        CanonicalJson.TryParse(Encoding.UTF8.GetBytes(Texts[0]), out _, out var why).ShouldBeTrue(why);
        foreach (var text in Texts[1..3]) CanonicalJson.TryParse(Encoding.UTF8.GetBytes(text), out _, out why).ShouldBeTrue(why);
        MessagePeek.TryReadUnverified(SignedByAStranger(), out var id).ShouldBeTrue();
        id.ShouldBe("01JQX4S8M0RSTVWXYZ23456789");
    }

    private static byte[] SignedByAStranger()
    {
        using var key = SigningKey.Hs256(new byte[32], "k");
        var now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
        return CommandMessage.Sign(new CommandClaims
        {
            Issuer = "command_center", Audience = "thermostat-1", Id = "01JQX4S8M0RSTVWXYZ23456789", IssuedAt = now, ExpiresAt = now.AddSeconds(20), Epoch = 1, Sequence = 1,
            Topic = "signet/thermostat-1/command", Command = "open", Arguments = [], OriginatorName = "alice", OriginatorRole = "operator",
        }, key);
    }

    private static byte[] Mutate(List<byte[]> seeds, Random random)
    {
        var bytes = seeds[random.Next(seeds.Count)].ToList();
        for (var rounds = random.Next(1, 6); rounds > 0; rounds--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.Insert(at, (byte)"{}[]:,\"\\u0123.eE+-tfn "[random.Next(22)]);
                    break;
                case 3 when at < bytes.Count:
                    bytes.RemoveRange(at, random.Next(1, Math.Min(8, bytes.Count - at) + 1));
                    break;
                default:
                    var other = seeds[random.Next(seeds.Count)];
                    var from = random.Next(other.Length + 1);
                    bytes.InsertRange(at, other[from..random.Next(from, other.Length + 1)]);
                    break;
            }
        }
        return [.. bytes];
    }
}
