using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data.Photographs;

/// <summary>How a set's photographs are shown.</summary>
/// <param name="Image">What the models see; three channels.</param>
/// <param name="ShortSide">What the shorter side is resized to before the middle is cut out; at least as large as the image.</param>
/// <param name="Normalization">Of three channels.</param>
/// <param name="ReplaceBroken">True, for training: another image of the class takes the place of an unreadable one. False: it is shown as a uniform grey.</param>
internal sealed record PhotographRecipe(ImageShape Image, int ShortSide, NormalizationSpec Normalization, bool ReplaceBroken);
