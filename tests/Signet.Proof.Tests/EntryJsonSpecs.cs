using System.Text;
using System.Text.Json.Nodes;
using FsCheck.Fluent;

namespace Signet.Proof.Tests;

public class EntryJsonSpecs
{
    private static string Write(JsonNode? node) => Encoding.UTF8.GetString(EntryJson.Write(node));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-0.0, "0")]
    [InlineData(1, "1")]
    [InlineData(-1.5, "-1.5")]
    [InlineData(1e21, "1e+21")]
    [InlineData(1e20, "100000000000000000000")]
    [InlineData(1e-6, "0.000001")]
    [InlineData(1e-7, "1e-7")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1.7976931348623157e308, "1.7976931348623157e+308")]
    [InlineData(333333333.33333329, "333333333.3333333")]
    [InlineData(9007199254740994, "9007199254740994")]
    public void Numbers_are_written_as_ecmascript_writes_them(double number, string text) => Write(JsonValue.Create(number)).ShouldBe(text);

    [Fact]
    public void The_example_of_the_rfc_comes_out()
    {
        var node = JsonNode.Parse("""{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}""");
        Write(node).ShouldBe("""{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}""");
    }

    [Fact]
    public void Members_are_sorted_by_utf16_code_units() =>
        Write(new JsonObject { ["\u20ac"] = 1, ["\r"] = 2, ["\ufb33"] = 3, ["1"] = 4, ["\ud83d\ude00"] = 5, ["\u0080"] = 6, ["\u00f6"] = 7 })
            .ShouldBe("{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,\"\ud83d\ude00\":5,\"\ufb33\":3}");

    [Fact]
    public void Members_are_sorted_however_many_they_are()
    {
        // Few are sorted in another way than many.
        var random = new Random(8);
        for (var count = 0; count < 60; count++)
        {
            string[] names = [.. Enumerable.Range(0, count).Select(i => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(char)('a' + random.Next(26))}{i}"))];
            var members = new JsonObject();
            foreach (var name in names) members[name] = name;
            Write(members).ShouldBe("{" + string.Join(",", names.Order(StringComparer.Ordinal).Select(n => $"\"{n}\":\"{n}\"")) + "}");
        }
    }

    [Fact]
    public void Any_text_survives_writing_and_reading() => FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<string>(text =>
    {
        var bytes = EntryJson.Write(new JsonObject { ["t"] = text ?? "" });
        return EntryJson.TryParse(bytes, out var read) && EntryJson.Write(read).AsSpan().SequenceEqual(bytes);
    }));

    [Theory]
    [InlineData("{ }")]
    [InlineData("{\"b\":1,\"a\":2}")]
    [InlineData("{\"a\":1.0}")]
    [InlineData("{\"a\":\"\\u0041\"}")]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("[]")]
    [InlineData("{\"a\":1}x")]
    [InlineData("{\"a\":\"\\ud800\"}")]
    public void What_is_not_in_its_one_form_is_refused(string json) => EntryJson.TryParse(Encoding.UTF8.GetBytes(json), out _).ShouldBeFalse();

    [Fact]
    public void Deep_nesting_neither_overflows_nor_throws()
    {
        EntryJson.TryParse(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 10_000)) + "1" + new string('}', 10_000)), out _).ShouldBeFalse();
        JsonObject deep = [];
        for (var i = 0; i < 60; i++) deep = new JsonObject { ["a"] = deep };
        Write(deep).ShouldContain("(too deep)");
    }
}
