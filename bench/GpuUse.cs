using System.Diagnostics;
using System.Globalization;

namespace ChannelDistillation.Bench;

/// <summary>GPU utilisation in percent, sampled a few times per second with `nvidia-smi`; null if unknown.</summary>
internal sealed record GpuUse(double? BusyPercent)
{
    public static Watcher Watch(string device) => new(device);

    internal sealed class Watcher : IDisposable
    {
        private readonly Process? process;
        private readonly List<double> samples = [];

        public Watcher(string device)
        {
            if (!device.StartsWith("cuda", StringComparison.Ordinal))
                return;
            string index = device.Split(':').ElementAtOrDefault(1) ?? "0";
            var start = new ProcessStartInfo("nvidia-smi", $"-i {index} --query-gpu=utilization.gpu --format=csv,noheader,nounits -lms 200")
            {
                RedirectStandardOutput = true,
            };
            try
            {
                process = Process.Start(start)!;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // nvidia-smi is not installed.
                return;
            }
            process.OutputDataReceived += (_, line) => Note(line.Data);
            process.BeginOutputReadLine();
        }

        public GpuUse Seen()
        {
            lock (samples)
            {
                return new(samples.Count == 0 ? null : samples.Average());
            }
        }

        /// <summary>Discards earlier samples.</summary>
        public void Forget()
        {
            lock (samples)
                samples.Clear();
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
            if (!double.TryParse(line, NumberStyles.Float, CultureInfo.InvariantCulture, out double percent))
                return;
            lock (samples)
                samples.Add(percent);
        }
    }
}
