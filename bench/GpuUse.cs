using System.Diagnostics;
using System.Globalization;

namespace ChannelDistillation.Bench;

/// <summary>How busy a GPU was, in percent, and the most memory that was in use on it, in MiB, as `nvidia-smi` saw it a few times a second; null: it is not there.</summary>
internal sealed record GpuUse(double? BusyPercent, double? MemoryMiB)
{
    public static Watcher Watch(string device) => new(device);

    public static string Busy(IEnumerable<GpuUse> seen) => Shown(seen.Skip(1).Select(use => use.BusyPercent), values => values.Average(), " %");

    public static string Memory(IEnumerable<GpuUse> seen) => Shown(seen.Select(use => use.MemoryMiB), values => values.Max(), "");

    private static string Shown(IEnumerable<double?> values, Func<IEnumerable<double>, double> of, string unit)
    {
        double[] known = [.. values.OfType<double>()];
        return known.Length == 0 ? "?" : $"{of(known):0}{unit}";
    }

    internal sealed class Watcher : IDisposable
    {
        private readonly Process? process;
        private readonly List<double[]> samples = [];

        public Watcher(string device)
        {
            if (!device.StartsWith("cuda", StringComparison.Ordinal))
                return;
            string index = device.Split(':').ElementAtOrDefault(1) ?? "0";
            var start = new ProcessStartInfo(
                "nvidia-smi",
                $"-i {index} --query-gpu=utilization.gpu,memory.used --format=csv,noheader,nounits -lms 200"
            )
            {
                RedirectStandardOutput = true,
            };
            try
            {
                process = Process.Start(start)!;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // There is no such program.
                return;
            }
            process.OutputDataReceived += (_, line) => Note(line.Data);
            process.BeginOutputReadLine();
        }

        public GpuUse Seen()
        {
            lock (samples)
            {
                return samples.Count == 0 ? new(null, null) : new(samples.Average(pair => pair[0]), samples.Max(pair => pair[1]));
            }
        }

        public void Dispose()
        {
            if (process is null)
                return;
            if (!process.HasExited)
                process.Kill();
            process.Dispose();
        }

        private void Note(string? line)
        {
            double[] pair =
            [
                .. (line ?? "")
                    .Split(',')
                    .Select(part => double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN),
            ];
            if (pair.Length != 2 || pair.Any(double.IsNaN))
                return;
            lock (samples)
                samples.Add(pair);
        }
    }
}
