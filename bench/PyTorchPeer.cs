using System.Diagnostics;
using System.Globalization;

namespace ChannelDistillation.Bench;

/// <summary>A Python process that does the same steps as we do when it is told to, so that both can be measured in turn.</summary>
internal sealed class PyTorchPeer : IDisposable
{
    private readonly Process process;

    private PyTorchPeer(Process process, string version)
    {
        this.process = process;
        Version = version;
    }

    public string Version { get; }

    /// <summary>Starts bench/pytorch/SCRIPT; null where no Python here has PyTorch and torchvision.</summary>
    public static PyTorchPeer? Start(string script, params string[] arguments)
    {
        // Debian's packages belong to Debian's Python, which need not be the first on the path.
        foreach (string python in new[] { "/usr/bin/python3", "python3" })
        {
            try
            {
                var start = new ProcessStartInfo(python, [script, .. arguments])
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                };
                var process = Process.Start(start)!;
                if (process.StandardOutput.ReadLine() is string version)
                    return new(process, version);
                process.WaitForExit();
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // No such Python: try the next.
            }
        }
        return null;
    }

    /// <returns>Seconds per step.</returns>
    public double Run(int steps)
    {
        process.StandardInput.WriteLine(steps);
        string answer = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException(process.StandardError.ReadToEnd());
        return double.Parse(answer, CultureInfo.InvariantCulture) / steps;
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
