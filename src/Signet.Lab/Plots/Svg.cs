using System.Globalization;
using System.Net;
using System.Text;

namespace Signet.Lab;

/// <summary>A drawing in SVG 1.1: a few shapes and texts in one style. Coordinates are pixels from the top left corner; texts are escaped.</summary>
internal sealed class Svg
{
    public const string Open = "#c2410c", Secure = "#0f766e", Ink = "#1f2937", Faint = "#6b7280", Grid = "#e5e7eb", Mark = "#7c3aed";

    private readonly StringBuilder _text = new();

    public Svg(int width, int height, string title, string subtitle = "")
    {
        (Width, Height) = (width, height);
        _text.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="'DejaVu Sans', Verdana, Helvetica, sans-serif" role="img" aria-label="{Escape(title)}">
            <rect width="{width}" height="{height}" fill="#ffffff"/>

            """);
        Text(20, 28, title, 17, bold: true);
        if (subtitle.Length > 0) Text(20, 48, subtitle, 12, Faint);
    }

    public int Width { get; }
    public int Height { get; }

    public void Rect(double x, double y, double width, double height, string fill, double opacity = 1, string? stroke = null) =>
        Add($"<rect x=\"{N(x)}\" y=\"{N(y)}\" width=\"{N(Math.Max(width, 0))}\" height=\"{N(Math.Max(height, 0))}\" fill=\"{fill}\" fill-opacity=\"{N(opacity)}\"{(stroke is null ? "" : $" stroke=\"{stroke}\" stroke-width=\"1.5\"")}/>");

    public void Line(double x1, double y1, double x2, double y2, string stroke = Ink, double width = 1, string? dash = null) =>
        Add($"<line x1=\"{N(x1)}\" y1=\"{N(y1)}\" x2=\"{N(x2)}\" y2=\"{N(y2)}\" stroke=\"{stroke}\" stroke-width=\"{N(width)}\"{(dash is null ? "" : $" stroke-dasharray=\"{dash}\"")}/>");

    public void Dot(double x, double y, double radius, string fill) => Add($"<circle cx=\"{N(x)}\" cy=\"{N(y)}\" r=\"{N(radius)}\" fill=\"{fill}\"/>");

    public void Path(IEnumerable<(double X, double Y)> points, string stroke, double width = 1.5) =>
        Add($"<polyline fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{N(width)}\" stroke-linejoin=\"round\" points=\"{string.Join(' ', points.Select(p => $"{N(p.X)},{N(p.Y)}"))}\"/>");

    /// <param name="anchor"><c>start, middle, end</c>.</param>
    public void Text(double x, double y, string text, double size = 12, string fill = Ink, string anchor = "start", bool bold = false) =>
        Add($"<text x=\"{N(x)}\" y=\"{N(y)}\" font-size=\"{N(size)}\" fill=\"{fill}\" text-anchor=\"{anchor}\"{(bold ? " font-weight=\"bold\"" : "")}>{Escape(text)}</text>");

    public override string ToString() => _text + "</svg>\n";

    private void Add(string element) => _text.Append(element).Append('\n');

    private static string N(double value) => Math.Round(value, 2).ToString(CultureInfo.InvariantCulture);

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}

/// <summary>A value axis: linear or logarithmic, with round ticks.</summary>
internal sealed class Axis
{
    private readonly double _from;
    private readonly double _to;
    private readonly double _start;
    private readonly double _end;
    private readonly bool _log;

    /// <param name="start">Pixel of <paramref name="from"/>.</param>
    public Axis(double from, double to, double start, double end, bool log = false)
    {
        (_from, _to, _start, _end, _log) = (from, to, start, end, log);
        if (log) (_from, _to) = (Math.Pow(10, Math.Floor(Math.Log10(from))), Math.Pow(10, Math.Ceiling(Math.Log10(to) - 1e-9)));
    }

    public double At(double value)
    {
        value = Math.Clamp(value, Math.Min(_from, _to), Math.Max(_from, _to));
        var share = _log ? (Math.Log10(value) - Math.Log10(_from)) / (Math.Log10(_to) - Math.Log10(_from)) : (value - _from) / (_to - _from);
        return _start + share * (_end - _start);
    }

    public IEnumerable<double> Ticks()
    {
        if (_log)
        {
            for (var tick = _from; tick <= _to * 1.0001; tick *= 10) yield return tick;
            yield break;
        }
        var rough = (_to - _from) / 5;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * ((rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 });
        for (var tick = Math.Ceiling(_from / step) * step; tick <= _to + step * 1e-6; tick += step) yield return tick;
    }

    public static string Label(double value) => value switch
    {
        0 => "0",
        >= 1000 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.####", CultureInfo.InvariantCulture),
    };
}
