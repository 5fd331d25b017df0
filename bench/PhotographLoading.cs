using System.Diagnostics;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Data.ImageFolders.Packed;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Bench;

/// <summary>
/// Images that one core loads for training per second (decode, random resized crop to 224, flip, normalise): from their folder and
/// from packed copies, compared with Pillow and torchvision on the same files. CPU time is measured, so that other load on the machine
/// has little effect.
/// </summary>
internal static class PhotographLoading
{
    private const int Files = 128;
    private const int Validation = 4;

    public static Figure[] Measure(int rounds, int images)
    {
        string root = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            string folder = Path.Combine(root, "photographs");
            SyntheticPhotographs.Make(folder, Files, Validation);
            return Measure(new Workspace(root), folder, rounds, images);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static Figure[] Measure(Workspace workspace, string folder, int rounds, int images)
    {
        using Peer? peer = Peer.PyTorch("photographs.py", Path.Combine(folder, "train"));
        DatasetDescriptor photographs = DatasetCatalog.Describe(Spec(folder));
        string pixels = Pack(photographs, new PackFormat(256), workspace);
        // Opened before its packed copy exists, which would otherwise be used instead.
        using Dataset fromFolder = DatasetStore.Open(Spec(folder), workspace);
        string jpeg = Pack(photographs, PackFormat.Files, workspace);
        using Dataset fromJpeg = DatasetStore.Open(Spec(jpeg), workspace);
        using Dataset fromPixels = DatasetStore.Open(Spec(pixels), workspace);
        (string Name, Dataset Dataset, List<double> Seconds)[] ours =
        [
            ("folder", fromFolder, []),
            ("packed, files (--jpeg)", fromJpeg, []),
            ("packed, short side 256", fromPixels, []),
        ];
        var theirs = new List<double>();
        for (int round = -1; round < rounds; round++)
        {
            double pytorch = peer?.Run(images) ?? 0;
            foreach (var (_, dataset, seconds) in ours)
            {
                double mine = Seconds(dataset, images, round);
                // The first round is a warm-up.
                if (round >= 0)
                    seconds.Add(mine);
            }

            if (round >= 0)
                theirs.Add(pytorch);
        }

        return
        [
            .. ours.Select(each => new Figure($"photographs of 500x375 to 224x224, {each.Name}", "images/s", 1 / Cases.Median(each.Seconds))
            {
                PyTorch = peer is null ? null : 1 / Cases.Median(theirs),
                Ratio = peer is null ? null : Cases.Median([.. theirs.Zip(each.Seconds, (a, b) => a / b)]),
            }),
        ];
    }

    private static DatasetSpec Spec(string folder) =>
        new()
        {
            Name = DatasetSpec.ImageFolder,
            Folder = folder,
            Classes = 4,
        };

    private static string Pack(DatasetDescriptor dataset, PackFormat format, Workspace workspace)
    {
        string target = DatasetStore.PackedFolderOf(dataset, format, workspace);
        DatasetStore.Pack(dataset, target, format, workspace, new Silent(), CancellationToken.None);
        return target;
    }

    /// <summary>CPU seconds per image.</summary>
    private static double Seconds(Dataset dataset, int images, int round)
    {
        var target = new float[3 * 224 * 224];
        AugmentationSpec augmentation = dataset.Descriptor.Augmentation;
        using Process self = Process.GetCurrentProcess();
        TimeSpan start = self.TotalProcessorTime;
        for (int i = 0; i < images; i++)
        {
            var random = new Randomness(0, Purpose.Augmentation, round, i);
            dataset.Training.Read(i % Files, augmentation, ref random, target);
        }

        self.Refresh();
        return (self.TotalProcessorTime - start).TotalSeconds / images;
    }

    private sealed class Silent : IWorkObserver
    {
        public void Started(string what, long total, long done, WorkUnit unit) { }

        public void Advanced(long done) { }

        public void Ended() { }

        public void Say(string message) { }
    }
}
