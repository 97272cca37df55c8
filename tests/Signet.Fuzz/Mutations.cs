using System.Globalization;

namespace Signet.Fuzz;

/// <summary>Runs a target over seeds and random changes of them: bytes taken out, changed, a seed put in. For SIGNET_FUZZ_SECONDS (2 unless set).</summary>
internal static class Mutations
{
    public delegate void Target(ReadOnlySpan<byte> data);

    public static void Run(IReadOnlyList<byte[]> seeds, Target target)
    {
        var number = Environment.TickCount;
        var random = new Random(number);
        var until = System.Diagnostics.Stopwatch.StartNew();
        var seconds = double.Parse(Environment.GetEnvironmentVariable("SIGNET_FUZZ_SECONDS") ?? "2", CultureInfo.InvariantCulture);
        while (until.Elapsed.TotalSeconds < seconds)
        {
            var input = seeds[random.Next(seeds.Count)].ToArray();
            for (var i = random.Next(0, 6); i > 0 && input.Length > 0; i--)
            {
                var at = random.Next(input.Length);
                input = random.Next(3) switch { 0 => [.. input[..at], .. input[(at + 1)..]], 1 => [.. input[..at], .. seeds[random.Next(seeds.Count)], .. input[at..]], _ => [.. input[..at], (byte)random.Next(256), .. input[(at + 1)..]] };
            }

            try
            {
                target(input);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"random seed {number}, input {Convert.ToHexString(input)}", e);
            }
        }
    }
}
