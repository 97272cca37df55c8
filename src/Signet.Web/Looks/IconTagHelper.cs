using Microsoft.AspNetCore.Razor.TagHelpers;
using Signet.Web.Assets;

namespace Signet.Web.Looks;

/// <summary><c>&lt;icon name="devices" /&gt;</c>: a picture of the sprite <c>img/icons.svg</c>; decoration only, the words stand beside it.</summary>
[HtmlTargetElement("icon", TagStructure = TagStructure.WithoutEndTag)]
public sealed class IconTagHelper(WebFiles files) : TagHelper
{
    public string Name { get; set; } = "";

    public override void Process(TagHelperContext context, TagHelperOutput output)
    {
        output.TagName = "svg";
        output.TagMode = TagMode.StartTagAndEndTag;
        output.Attributes.SetAttribute("class", "icon");
        output.Attributes.SetAttribute("aria-hidden", "true");
        output.Content.SetHtmlContent($"<use href=\"{files.Url("img/icons.svg")}#{Name}\"></use>");
    }
}
