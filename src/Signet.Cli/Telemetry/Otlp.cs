using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Signet.Control;

namespace Signet.Cli.Telemetry;

/// <summary>
/// Sends metrics and traces by OTLP when the standard variables ask for it (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>, <c>OTEL_METRIC_EXPORT_INTERVAL</c> ...); without them nothing is started and nothing leaves.
/// </summary>
internal static class Otlp
{
    public static IDisposable? FromEnvironment()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"))) return null;
        var resource = ResourceBuilder.CreateDefault().AddService("signet", serviceVersion: CommandCenter.Version).AddEnvironmentVariableDetector();
        var traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource("signet", "Microsoft.AspNetCore").AddOtlpExporter().Build();
        var metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(MetricCatalogue.Meter, "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel").AddOtlpExporter().Build();
        return new Both(traces, metrics);
    }

    // What is still waiting goes out, but a collector that is gone must not hold up the stop.
    private sealed class Both(TracerProvider traces, MeterProvider metrics) : IDisposable
    {
        private const int PatienceMilliseconds = 2_000;

        public void Dispose()
        {
            traces.Shutdown(PatienceMilliseconds);
            metrics.Shutdown(PatienceMilliseconds);
            traces.Dispose();
            metrics.Dispose();
        }
    }
}
