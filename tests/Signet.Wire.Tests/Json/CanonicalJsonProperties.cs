using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace Signet.Wire.Tests;

public sealed class CanonicalJsonProperties
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(2_000);

    private static readonly string[] Pieces =
    [
        "{", "}", "[", "]", ":", ",", "\"", "\"a\"", "\"b\"", "\"\\n\"", "\"\\u001f\"", "\"\\ud83d\"", "0", "1", "-", "1.5", "1e-7", "1e+21", "true", "false", "null", " ", "\u20ac", "\\", "9007199254740993",
    ];

    [Fact]
    public void Whatever_parses_is_what_writing_it_again_gives()
    {
        var parsed = 0;
        var json = Gen.Elements(Pieces).ListOf().Select(p => Encoding.UTF8.GetBytes(string.Concat(p)));
        var nearlyValid = Gen.Elements(Pieces).Two().Select(p => Encoding.UTF8.GetBytes($"{{\"a\":{p.Item1},\"b\":[{p.Item2}]}}"));
        Prop.ForAll(Gen.OneOf(json, nearlyValid).ToArbitrary(), bytes =>
        {
            if (!CanonicalJson.TryParse(bytes, out var value, out _)) return true;
            parsed++;
            return CanonicalJson.Write(value).AsSpan().SequenceEqual(bytes);
        }).Check(Many);
        parsed.ShouldBeGreaterThan(20); // the property is not empty
    }

    [Fact]
    public void Arbitrary_bytes_never_throw()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => CanonicalJson.TryParse(bytes, out _, out var why) || why.Length > 0).Check(Many);
    }

    [Fact]
    public void Every_text_and_number_comes_back_as_it_was()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), ArbMap.Default.ArbFor<double>(), (text, number) =>
        {
            if (text is null || !double.IsFinite(number) || text.Any(char.IsSurrogate)) return true;
            var bytes = CanonicalJson.Write(new JsonObject { ["n"] = number, ["t"] = text });
            return CanonicalJson.TryParse(bytes, out var value, out _) && (string)value["t"]! == text
                && double.Parse(value["n"]!.ToJsonString(), CultureInfo.InvariantCulture) == number;
        }).Check(Many);
    }

    [Fact]
    public async Task Node_js_prints_the_same_numbers()
    {
        var random = new Random(8785);
        var numbers = Enumerable.Range(0, 20_000).Select(i => (i % 4) switch
        {
            0 => BitConverter.UInt64BitsToDouble((ulong)random.NextInt64(long.MinValue, long.MaxValue)),
            1 => random.NextInt64(-1_000_000_000, 1_000_000_000) / 1000.0,
            2 => Math.Pow(10, random.Next(-8, 24)) * random.Next(1, 100),
            _ => random.NextDouble() * Math.Pow(2, random.Next(-60, 80)),
        }).Where(double.IsFinite).ToArray();
        var bits = string.Join('\n', numbers.Select(n => BitConverter.DoubleToUInt64Bits(n).ToString("x16", CultureInfo.InvariantCulture)));

        var printed = await PeerProgram.RunAsync("node", ["-e",
            "const b=Buffer.alloc(8);for(const h of require('fs').readFileSync(0,'latin1').split('\\n')){b.write(h,'hex');console.log(String(b.readDoubleBE(0)))}"], bits);
        var theirs = printed.TrimEnd().Split('\n');

        theirs.Length.ShouldBe(numbers.Length);
        for (var i = 0; i < numbers.Length; i++)
            Encoding.UTF8.GetString(CanonicalJson.Write(new JsonObject { ["n"] = numbers[i] })).ShouldBe($$"""{"n":{{theirs[i]}}}""");
    }
}
