using System.Text.Json.Nodes;
using Signet.Web.Looks;

namespace Signet.Browser;

/// <summary>JSON as people read it.</summary>
public sealed class SaysSpecs
{
    [Fact]
    public void Base64_keeps_its_plus_names_their_letters_and_what_cannot_be_seen_is_written_out()
    {
        var text = Says.Pretty(new JsonObject { ["hash"] = "a+b/c=", ["who"] = "Mar\u00eda <b>", ["turned"] = "exe.\u202Egpj\u200b", ["line"] = "a\nb\u2028c" });
        text.ShouldContain("\"a+b/c=\"");
        text.ShouldContain("Mar\u00eda <b>", customMessage: "the page escapes it");
        text.ShouldContain("""exe.\u202Egpj\u200B""");
        text.ShouldContain("""a\nb\u2028c""");
        JsonNode.Parse(text)!["turned"]!.GetValue<string>().ShouldBe("exe.\u202Egpj\u200b", "still the same JSON");
        Says.Pretty(null).ShouldBe("");
    }
}
