using System.Globalization;
using Microsoft.AspNetCore.Razor.TagHelpers;

namespace Signet.Web.Looks;

/// <summary><c>&lt;when at="..." since /&gt;</c>: a moment. Without script it reads in UTC; with script in the reader's zone, or as "3 min ago", and UTC stays in the title.</summary>
[HtmlTargetElement("when", TagStructure = TagStructure.WithoutEndTag)]
public sealed class WhenTagHelper(Phrases phrases) : TagHelper
{
    public DateTimeOffset? At { get; set; }

    /// <summary>Show how long ago (or ahead) it is.</summary>
    public bool Since { get; set; }

    public override void Process(TagHelperContext context, TagHelperOutput output)
    {
        output.TagMode = TagMode.StartTagAndEndTag;
        if (At is not { } at)
        {
            output.TagName = "span";
            output.Attributes.SetAttribute("class", "text-secondary");
            output.Content.SetContent(phrases["never"]);
            return;
        }
        var utc = at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + " UTC";
        output.TagName = "time";
        output.Attributes.SetAttribute("datetime", at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        output.Attributes.SetAttribute("title", utc);
        output.Attributes.SetAttribute("class", Since ? "since nums" : "nums");
        output.Content.SetContent(utc);
    }
}
