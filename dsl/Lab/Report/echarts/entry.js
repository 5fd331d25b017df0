export {init,getInstanceByDom} from 'echarts/core';
import {use} from 'echarts/core';
import {LineChart,BarChart,HeatmapChart,ScatterChart,CustomChart} from 'echarts/charts';
import {GridComponent,TooltipComponent,LegendComponent,DataZoomComponent,VisualMapComponent,TitleComponent,MarkLineComponent,AriaComponent} from 'echarts/components';
import {SVGRenderer} from 'echarts/renderers';
import {LabelLayout,UniversalTransition} from 'echarts/features';
use([LineChart,BarChart,HeatmapChart,ScatterChart,CustomChart,GridComponent,TooltipComponent,LegendComponent,DataZoomComponent,VisualMapComponent,TitleComponent,MarkLineComponent,AriaComponent,SVGRenderer,LabelLayout]);
