using ChannelDistillation.Core;
using ChannelDistillation.Imaging;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>
/// Photographs of any size. Without augmentation an image's shorter side is resized and its middle cut out; <see cref="AugmentationSpec.ResizedCrop"/>
/// takes a random part of it instead.
/// </summary>
internal sealed class ImageFolderSet : IImageSet
{
    private readonly IImageStore store;
    private readonly ImageFolderRecipe recipe;
    private readonly CorruptImages broken;
    private readonly Normalisation normalisation;
    private readonly DecodingWorkers workers = new();
    private readonly IReadOnlyList<string> notes;

    /// <param name="store">Disposed with the set.</param>
    /// <param name="notes">Sentences on files beside these images, for <see cref="Remarks"/>.</param>
    public ImageFolderSet(IImageStore store, ImageFolderRecipe recipe, IReadOnlyList<string>? notes = null)
    {
        this.notes = notes ?? [];
        this.store = store;
        this.recipe = recipe;
        normalisation = new(recipe.Normalization);
        broken = recipe.ReplaceBroken
            ? new(store.Count, "training", "the next readable image of the class takes the place of each")
            : new(store.Count, "validation", "each is shown as a uniform grey and so counts as wrong, except by luck");
    }

    public int Count => store.Count;

    public ImageShape Shape => recipe.Image;

    /// <summary>Decoding takes a thousand times longer than copying a small image does.</summary>
    public int Threads => Environment.ProcessorCount;

    public IEnumerable<string> Remarks() => notes.Concat(broken.Remarks());

    public int Label(int index) => store.Label(index);

    /// <summary>Broken images of each part are counted on their own, and those for training replaced out of it alone: what is held out is never trained on.</summary>
    public IImageSet Part(int[] images, bool isTraining) =>
        new ImageFolderSet(new PartStore(store, images), recipe with { ReplaceBroken = isTraining });

    public void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination)
    {
        if (augmentation.Padding > 0)
        {
            throw new ArgumentException("Padding (`pad`) is for small images of one size. For photographs: resized_crop, and pad: 0.");
        }

        var worker = workers.Rent();
        try
        {
            Read(index, augmentation, ref random, destination, worker);
        }
        finally
        {
            workers.Return(worker);
        }
    }

    public void Dispose()
    {
        workers.Dispose();
        store.Dispose();
    }

    private void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination, DecodingWorker worker)
    {
        var unused = random;
        for (var shown = index; ; )
        {
            try
            {
                random = unused;
                Show(store.Load(shown, worker), augmentation, ref random, destination, worker.Resampler);
                return;
            }
            catch (ImageException error)
            {
                broken.Add(shown, store.Name(shown), error.Message);
                if (!recipe.ReplaceBroken)
                {
                    destination.Clear();
                    return;
                }

                string last = store.Name(shown);
                shown = NextOfClass(shown);
                if (shown == index)
                {
                    throw new MissingException(
                        $"No training image of the class of {store.Name(index)} can be read. The last one that was tried is {last}: {error.Message}."
                    );
                }
            }
        }
    }

    /// <summary>The images of a class follow one another.</summary>
    private int NextOfClass(int index)
    {
        var label = store.Label(index);
        if (index + 1 < store.Count && store.Label(index + 1) == label)
        {
            return index + 1;
        }

        while (index > 0 && store.Label(index - 1) == label)
        {
            index--;
        }

        return index;
    }

    private void Show(Pixels picture, AugmentationSpec augmentation, ref Randomness random, Span<float> destination, Resampler resampler)
    {
        var (height, width) = (recipe.Image.Height, recipe.Image.Width);
        var part = new CropWindow(0, 0, picture.Width, picture.Height);
        if (augmentation.ResizedCrop is { } crop)
        {
            part = CropWindow.Random(picture.Width, picture.Height, crop, ref random);
            resampler.Columns.Set(part.Width, width, 0, width);
            resampler.Rows.Set(part.Height, height, 0, height);
        }
        else
        {
            var (wide, high) = ShortSide.Resized(picture.Width, picture.Height, recipe.ShortSide);
            resampler.Columns.Set(picture.Width, wide, CropWindow.Centred(wide, width), width);
            resampler.Rows.Set(picture.Height, high, CropWindow.Centred(high, height), height);
        }

        var mirror = augmentation.Flip && random.NextFlag();
        resampler.Run(picture, part, mirror, normalisation, destination);
    }
}

/// <summary>How a set's photographs are shown.</summary>
/// <param name="Image">What the models see; three channels.</param>
/// <param name="ShortSide">What the shorter side is resized to before the middle is cut out; at least as large as the image.</param>
/// <param name="Normalization">Of three channels.</param>
/// <param name="ReplaceBroken">True, for training: another image of the class takes the place of an unreadable one. False: it is shown as a uniform grey.</param>
internal sealed record ImageFolderRecipe(ImageShape Image, int ShortSide, NormalizationSpec Normalization, bool ReplaceBroken);
