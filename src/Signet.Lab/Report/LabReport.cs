using System.Text.Encodings.Web;
using System.Text.Json;

namespace Signet.Lab;

/// <summary>Writes what a run found: <c>results.json</c>, plots as SVG and PNG, and <c>REPORT.html</c>, one file that opens without a network.</summary>
internal static class LabReport
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task WriteAsync(string directory, LabResults results, CancellationToken cancellationToken)
    {
        try
        {
            var plots = await WritePlotsAsync(directory, results, cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(directory, "results.json"), results.ToJson().ToJsonString(Indented) + "\n", cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(directory, "REPORT.html"), ReportPage.Of(results, plots), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"cannot write results to {directory}: {e.Message}", e);
        }
    }

    /// <summary>Plots and page alone; <c>results.json</c> stays as it is.</summary>
    public static async Task WritePagesAsync(string directory, LabResults results, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory, "REPORT.html"), ReportPage.Of(results, await WritePlotsAsync(directory, results, cancellationToken)), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"cannot write the report to {directory}: {e.Message}", e);
        }
    }

    public static async Task<IReadOnlyList<(string Name, string Caption, string Svg)>> WritePlotsAsync(string directory, LabResults results, CancellationToken cancellationToken)
    {
        var plots = Plots.All(results);
        foreach (var (name, _, svg) in plots)
        {
            var path = Path.Combine(directory, name + ".svg");
            await File.WriteAllTextAsync(path, svg, cancellationToken);
            if (await PngExport.ConvertAsync(path, Path.ChangeExtension(path, ".png"), 1000, 800, cancellationToken) is { } problem)
            {
                if (!results.Problems.Contains(problem)) results.Problems.Add(problem);
                results.Complete = false;
            }
        }
        return plots;
    }
}
