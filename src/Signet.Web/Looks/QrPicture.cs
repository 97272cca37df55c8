using System.Text;
using QRCoder;

namespace Signet.Web.Looks;

/// <summary>A text as QR code (ISO/IEC 18004, error correction M): what a camera reads from a page, a sheet of paper or a terminal.</summary>
public static class QrPicture
{
    /// <summary>SVG, black on white with its quiet zone, whatever the page's colours are.</summary>
    public static string Svg(string text)
    {
        using var data = Data(text);
        using var svg = new SvgQRCode(data);
        return svg.GetGraphic(4, "#000000", "#ffffff", drawQuietZones: true, SvgQRCode.SizingMode.ViewBoxAttribute);
    }

    /// <summary>The same for <c>img src</c>.</summary>
    public static string DataUri(string text) => "data:image/svg+xml;base64," + Convert.ToBase64String(Encoding.UTF8.GetBytes(Svg(text)));

    /// <summary>Two rows of the picture in each line of half blocks.</summary>
    /// <param name="text">What it says.</param>
    /// <param name="darkTerminal">Light modules are drawn, dark ones are the background.</param>
    public static string Terminal(string text, bool darkTerminal = true)
    {
        using var data = Data(text);
        using var blocks = new AsciiQRCode(data);
        return blocks.GetGraphicSmall(drawQuietZones: true, invert: !darkTerminal);
    }

    private static QRCodeData Data(string text)
    {
        using var generator = new QRCodeGenerator();
        return generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.M);
    }
}
