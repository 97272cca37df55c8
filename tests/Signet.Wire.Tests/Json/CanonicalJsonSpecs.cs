using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Wire.Tests;

public sealed class CanonicalJsonSpecs
{
    // Values from RFC 8785 appendix B: IEEE bits, and how ECMAScript prints them.
    [Theory]
    [InlineData(0x0000000000000000UL, "0")]
    [InlineData(0x8000000000000000UL, "0")]
    [InlineData(0x0000000000000001UL, "5e-324")]
    [InlineData(0x8000000000000001UL, "-5e-324")]
    [InlineData(0x7fefffffffffffffUL, "1.7976931348623157e+308")]
    [InlineData(0xffefffffffffffffUL, "-1.7976931348623157e+308")]
    [InlineData(0x4340000000000000UL, "9007199254740992")]
    [InlineData(0xc340000000000000UL, "-9007199254740992")]
    [InlineData(0x4430000000000000UL, "295147905179352830000")]
    [InlineData(0x44b52d02c7e14af5UL, "9.999999999999997e+22")]
    [InlineData(0x44b52d02c7e14af6UL, "1e+23")]
    [InlineData(0x44b52d02c7e14af7UL, "1.0000000000000001e+23")]
    [InlineData(0x444b1ae4d6e2ef4eUL, "999999999999999700000")]
    [InlineData(0x444b1ae4d6e2ef4fUL, "999999999999999900000")]
    [InlineData(0x444b1ae4d6e2ef50UL, "1e+21")]
    [InlineData(0x3eb0c6f7a0b5ed8cUL, "9.999999999999997e-7")]
    [InlineData(0x3eb0c6f7a0b5ed8dUL, "0.000001")]
    [InlineData(0x41b3de4355555553UL, "333333333.3333332")]
    [InlineData(0x41b3de4355555554UL, "333333333.33333325")]
    [InlineData(0x41b3de4355555555UL, "333333333.3333333")]
    [InlineData(0x41b3de4355555556UL, "333333333.3333334")]
    [InlineData(0x41b3de4355555557UL, "333333333.33333343")]
    [InlineData(0xbecbf647612f3696UL, "-0.0000033333333333333333")]
    [InlineData(0x43143ff3c1cb0959UL, "1424953923781206.2")]
    public void Numbers_are_written_as_ECMAScript_prints_them(ulong bits, string text)
    {
        Text(new JsonObject { ["n"] = BitConverter.UInt64BitsToDouble(bits) }).ShouldBe($$"""{"n":{{text}}}""");
    }

    [Fact]
    public void Members_are_sorted_by_UTF16_code_units_and_only_what_must_be_escaped_is()
    {
        // The sorting example of RFC 8785 section 3.2.3, and the string of section 3.2.2.
        var value = new JsonObject
        {
            ["\u20ac"] = "Euro Sign", ["\r"] = "Carriage Return", ["\ufb33"] = "Hebrew Letter Dalet With Dagesh", ["1"] = "One",
            ["\ud83d\ude00"] = "Emoji: Grinning Face", ["\u0080"] = "Control", ["\u00f6"] = "Latin Small Letter O With Diaeresis", ["s"] = "\u20ac$\u000f\nA'\u0042\"\\\"/",
        };
        Text(value).ShouldBe("""{"\r":"Carriage Return","1":"One","s":"€$\u000f\nA'B\"\\\"/",""" + "\"\u0080\":\"Control\",\"\u00f6\":\"Latin Small Letter O With Diaeresis\",\"\u20ac\":\"Euro Sign\",\"\ud83d\ude00\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}");
        CanonicalJson.TryParse(CanonicalJson.Write(value), out var again, out var why).ShouldBeTrue(why);
        JsonNode.DeepEquals(again, value).ShouldBeTrue();
    }

    [Fact]
    public void Values_of_every_backing_type_are_written_by_what_they_mean()
    {
        var parsed = JsonNode.Parse("""{ "whole": 5.0, "tiny": 1E-7, "big": 12345678901234567890, "text": "\u0041" }""")!.AsObject();
        Text(parsed).ShouldBe("""{"big":12345678901234567000,"text":"A","tiny":1e-7,"whole":5}""");
        Text(new JsonObject { ["d"] = 1.50m, ["f"] = 0.1f, ["i"] = 3, ["u"] = 4UL, ["n"] = null, ["t"] = true, ["a"] = new JsonArray(1, "x") })
            .ShouldBe("""{"a":[1,"x"],"d":1.5,"f":0.1,"i":3,"n":null,"t":true,"u":4}""");
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(9007199254740993L)]
    public void Numbers_JSON_cannot_hold_are_the_callers_mistake(object value)
    {
        JsonNode node = value is double real ? JsonValue.Create(real) : JsonValue.Create((long)value);
        Should.Throw<ArgumentException>(() => CanonicalJson.Write(new JsonObject { ["x"] = node }));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_the_callers_mistake()
    {
        Should.Throw<ArgumentException>(() => CanonicalJson.Write(new JsonObject { ["x"] = "half: " + (char)0xd83d }));
        Should.Throw<ArgumentException>(() => CanonicalJson.Write(new JsonObject { ["half: " + (char)0xde00] = 1 }));
    }

    [Theory]
    [InlineData("", "an object must begin here (offset 0)")]
    [InlineData("[]", "an object must begin here (offset 0)")]
    [InlineData(" {}", "an object must begin here (offset 0)")]
    [InlineData("{} ", "nothing may follow the object (offset 2)")]
    [InlineData("{\"a\":1,\"a\":2}", "a member's name appears twice (offset 7)")]
    [InlineData("{\"b\":1,\"a\":2}", "members must be sorted by name (offset 7)")]
    [InlineData("{\"a\":1.0}", "not the canonical spelling of the number (offset 5)")]
    [InlineData("{\"a\":+1}", "a value must begin here, without white space (offset 5)")]
    [InlineData("{\"a\":--1}", "not a number (offset 5)")]
    [InlineData("{\"a\":1e21}", "not the canonical spelling of the number (offset 5)")]
    [InlineData("{\"a\":\"\\u000a\"}", "not the canonical escape (offset 6)")]
    [InlineData("{\"a\":\"\\u001F\"}", "not the canonical escape (offset 6)")]
    [InlineData("{\"a\":\"\n\"}", "a control character must be escaped (offset 6)")]
    [InlineData("{\"a\":\"x", "a string does not end (offset 6)")]
    [InlineData("{\"a\":\"\\", "not the canonical escape (offset 6)")]
    [InlineData("{\"a\":nul}", "unknown word (offset 5)")]
    [InlineData("{\"a\"", "a colon must follow the name, without white space (offset 4)")]
    [InlineData("{\"a\":1,}", "a member's name must begin here, without white space (offset 7)")]
    [InlineData("{\"a\":[1,]}", "a value must begin here, without white space (offset 8)")]
    [InlineData("{\"a\":[1}", "a comma or a closing bracket must stand here, without white space (offset 7)")]
    public void Any_other_spelling_is_refused_with_the_place(string json, string reason)
    {
        CanonicalJson.TryParse(Encoding.UTF8.GetBytes(json), out _, out var why).ShouldBeFalse();
        why.ShouldBe(reason);
    }

    [Theory]
    [InlineData("{\"a\":9007199254740992}")]
    [InlineData("{\"a\":1800001001800000000}")]
    [InlineData("{\"a\":-295147905179352830000}")]
    public void A_number_too_large_for_an_integer_is_read_as_a_double_and_written_as_it_was(string json)
    {
        CanonicalJson.TryParse(Encoding.UTF8.GetBytes(json), out var read, out var why).ShouldBeTrue(why);
        Text(read!).ShouldBe(json);
    }

    [Fact]
    public void Depth_and_count_are_bounded()
    {
        Parse("{\"a\":" + new string('[', 15) + new string(']', 15) + "}").ShouldBe("");
        Parse("{\"a\":" + new string('[', 16) + new string(']', 16) + "}").ShouldStartWith("deeper than 16 levels");
        Parse("{\"a\":[" + string.Join(',', Enumerable.Repeat('1', WireLimits.JsonItems - 1)) + "]}").ShouldBe("");
        Parse("{\"a\":[" + string.Join(',', Enumerable.Repeat('1', WireLimits.JsonItems)) + "]}").ShouldStartWith("more than 2048");
    }

    private static string Parse(string json) => CanonicalJson.TryParse(Encoding.UTF8.GetBytes(json), out _, out var why) ? "" : why;

    private static string Text(JsonNode node) => Encoding.UTF8.GetString(CanonicalJson.Write(node));
}
