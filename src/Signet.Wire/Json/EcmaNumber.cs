using System.Globalization;
using System.Text;

namespace Signet.Wire;

/// <summary>
/// A double as ECMAScript's Number::toString writes it (ECMA-262 section 6.1.6.1.20, required by RFC 8785 section 3.2.2.3): the shortest digits
/// that read back as the same double, plain from 1e-6 up to below 1e21, else d.ddde+x. The platform's "R" format finds those digits; only their layout differs.
/// </summary>
internal static class EcmaNumber
{
    public const int LongestText = 32;

    public static string Format(double value)
    {
        if (!double.IsFinite(value)) throw new ArgumentException("JSON has no NaN and no infinity", nameof(value));
        if (value == 0) return "0"; // minus zero too

        Span<char> shortest = stackalloc char[LongestText];
        Math.Abs(value).TryFormat(shortest, out var written, "R", CultureInfo.InvariantCulture);

        // Split "123.45", "0.001" or "1.5E-07" into digits without leading and trailing zeros, and the position of the point:
        // value = 0.d1d2d3... * 10^point.
        var digits = new StringBuilder(LongestText);
        var point = 0;
        var exponent = 0;
        var seenPoint = false;
        for (var i = 0; i < written; i++)
        {
            var c = shortest[i];
            if (c == '.') seenPoint = true;
            else if (c == 'E')
            {
                exponent = int.Parse(shortest[(i + 1)..written], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                break;
            }
            else
            {
                if (!seenPoint) point++;
                digits.Append(c);
            }
        }
        point += exponent;
        while (digits[0] == '0')
        {
            digits.Remove(0, 1);
            point--;
        }
        while (digits[^1] == '0') digits.Length--;

        return (value < 0 ? "-" : "") + Layout(digits.ToString(), point);
    }

    private static string Layout(string digits, int point) => point switch
    {
        > 0 and <= 21 when point >= digits.Length => digits.PadRight(point, '0'),
        > 0 and <= 21 => $"{digits[..point]}.{digits[point..]}",
        > -6 and <= 0 => $"0.{new string('0', -point)}{digits}",
        _ => $"{digits[..1]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(point > 0 ? "+" : "-")}{Math.Abs(point - 1)}",
    };
}
