using System.Globalization;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Html;

namespace Signet.Web.Looks;

/// <summary>
/// A moment on a page. Without script it reads in UTC; with script in the reader's zone, or as "3 min ago", and UTC stays in the title.
/// No tag helper, whose making and buffers a list of hundreds of them would pay for.
/// </summary>
internal sealed class Moment(DateTimeOffset? at, bool since, string never) : IHtmlContent
{
    private const int Longest = 192; // characters: some 130 are written

    public void WriteTo(TextWriter writer, HtmlEncoder encoder)
    {
        if (at is not { UtcDateTime: var utc })
        {
            writer.Write($"<span class=\"text-secondary\">{encoder.Encode(never)}</span>");
            return;
        }

        Span<char> text = stackalloc char[Longest];
        text.TryWrite(CultureInfo.InvariantCulture, $"<time datetime=\"{utc:yyyy-MM-ddTHH:mm:ss.fffZ}\" title=\"{utc:yyyy-MM-dd HH:mm:ss} UTC\" class=\"{(since ? "since nums" : "nums")}\">{utc:yyyy-MM-dd HH:mm:ss} UTC</time>", out var length);
        writer.Write(text[..length]);
    }
}
