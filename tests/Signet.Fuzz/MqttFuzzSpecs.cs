using System.Globalization;

namespace Signet.Fuzz;

/// <summary>Every MQTT target runs over its kept seeds, then over mutations of them for SIGNET_FUZZ_SECONDS (default 5) in all. The random seed is printed with a failure.</summary>
public sealed class MqttFuzzSpecs
{
    private delegate void Target(ReadOnlySpan<byte> data);

    [Theory]
    [InlineData("packet"), InlineData("topic"), InlineData("proxy"), InlineData("session")]
    public void The_target_holds_on_its_seeds_and_their_mutations(string name)
    {
        Target target = name switch { "packet" => MqttPacketTarget.Fuzz, "topic" => MqttTopicTarget.Fuzz, "proxy" => MqttProxyTarget.Fuzz, _ => MqttSessionTarget.Fuzz };
        var seeds = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "MqttSeeds"), name + "-*").Select(File.ReadAllBytes).ToList();
        seeds.ShouldNotBeEmpty();
        foreach (var seed in seeds) target(seed);
        var seconds = double.Parse(Environment.GetEnvironmentVariable("SIGNET_FUZZ_SECONDS") ?? "5", CultureInfo.InvariantCulture) / 4;
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

    private static byte[] Mutate(List<byte[]> seeds, Random random)
    {
        var bytes = seeds[random.Next(seeds.Count)].ToList();
        for (var rounds = random.Next(1, 8); rounds > 0; rounds--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(6))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3 when at < bytes.Count:
                    bytes.RemoveRange(at, random.Next(1, Math.Min(8, bytes.Count - at) + 1));
                    break;
                case 4:
                    var other = seeds[random.Next(seeds.Count)];
                    var from = random.Next(other.Length);
                    bytes.InsertRange(at, other[from..random.Next(from, other.Length)]);
                    break;
                case 5 when bytes.Count < 4096:
                    bytes.AddRange(bytes[..at]);
                    break;
            }
        }

        return [.. bytes];
    }
}
